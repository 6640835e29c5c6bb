#include <fmt/format.h>

#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

// A convolution is a product of every window with the weight: x [batch, in, time] is padded and
// unfolded to [batch, in, windows, size], windows become rows of in * size numbers.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  if (x.rank() != 3 || weight.rank() != 3 || x.size(1) != weight.size(1)) {
    throw ShapeError(
        fmt::format("[conv1d] x {} must be [batch, in, time] and weight {} [out, in, size] "
                    "with the same in",
                    to_string(x.shape()), to_string(weight.shape())));
  }
  const Tensor padded = pad(x, 2, options.padding, options.padding);
  if (weight.size(2) < 1 || options.stride < 1 || weight.size(2) > padded.size(2)) {
    throw ShapeError(
        fmt::format("[conv1d] a window of {} every {} does not fit time {} padded by {}",
                    weight.size(2), options.stride, x.size(2), options.padding));
  }
  const Tensor windows = unfold(padded, 2, weight.size(2), options.stride);
  const Tensor rows = flatten(permute(windows, {0, 2, 1, 3}), 2, 3);  // [batch, windows, in * size]
  return transpose(linear(rows, flatten(weight, 1, 2), bias));        // [batch, out, windows]
}

Tensor max_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride) {
  return max(unfold(x, -1, size, stride == 0 ? size : stride), -1);
}

Tensor avg_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride) {
  return mean(unfold(x, -1, size, stride == 0 ? size : stride), -1);
}

}  // namespace gradus
