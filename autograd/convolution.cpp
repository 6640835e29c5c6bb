#include <fmt/format.h>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {

// A convolution is a product of every window with the weight: x [batch, in, time] is padded and
// unfolded to [batch, in, windows, size], windows become rows of in * size numbers.
Tensor conv1d_definition(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const ConvOptions& options) {
  const Tensor padded = pad(x, 2, options.padding, options.padding);
  const Tensor windows = unfold(padded, 2, weight.size(2), options.stride);
  const Tensor rows = flatten(permute(windows, {0, 2, 1, 3}), 2, 3);  // [batch, windows, in * size]
  return transpose(linear(rows, flatten(weight, 1, 2), bias));        // [batch, out, windows]
}

// How many windows there are. Throws ShapeError unless there is one.
std::int64_t windows_of(const Tensor& x, const Tensor& weight, const ConvOptions& options) {
  const std::int64_t size = weight.size(2);
  std::int64_t time = 0;
  const bool fits = size >= 1 && options.stride >= 1 && options.padding >= 0 &&
                    !__builtin_mul_overflow(options.padding, std::int64_t{2}, &time) &&
                    !__builtin_add_overflow(time, x.size(2), &time) && size <= time;
  if (!fits) {
    throw ShapeError(
        fmt::format("[conv1d] a window of {} every {} does not fit time {} padded by {}", size,
                    options.stride, x.size(2), options.padding));
  }
  return (time - size) / options.stride + 1;
}

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvOptions& options) {
  if (x.rank() != 3 || weight.rank() != 3 || x.size(1) != weight.size(1)) {
    throw ShapeError(
        fmt::format("[conv1d] x {} must be [batch, in, time] and weight {} [out, in, size] "
                    "with the same in",
                    to_string(x.shape()), to_string(weight.shape())));
  }
  const std::int64_t windows = windows_of(x, weight, options);
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError(fmt::format("[conv1d] bias {} must have one number for each row of weight {}",
                                 to_string(bias.shape()), to_string(weight.shape())));
  }
  compute::check_same("conv1d", x, weight);
  if (bias.defined()) compute::check_same("conv1d", x, bias);
  compute::check_floating("conv1d", x);
  Backend& on = x.backend();
  const Tensor y = empty({x.size(0), weight.size(0), windows}, {x.dtype(), &on});
  if (!on.conv1d(x.view(), weight.view(), compute::view_of(bias), options.stride, options.padding,
                 y.view())) {
    return conv1d_definition(x, weight, bias, options);
  }
  return record_fused(
      "conv1d", y, {x, weight, bias},
      [options](const std::vector<Tensor>& in) {
        return conv1d_definition(in[0], in[1], in[2], options);
      },
      [=, &on](const Tensor& g, const Tensor&) -> std::vector<Tensor> {
        const Tensor dx = compute::room_for_gradient(x), dw = compute::room_for_gradient(weight),
                     db = compute::room_for_gradient(bias);
        if (!on.conv1d_gradient(x.view(), weight.view(), options.stride, options.padding, g.view(),
                                compute::view_of(dx), compute::view_of(dw), compute::view_of(db))) {
          throw BackendError("[conv1d] the backend took the forward offer but not its gradient");
        }
        return {dx, dw, db};
      });
}

Tensor max_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride) {
  return max(unfold(x, -1, size, stride == 0 ? size : stride), -1);
}

Tensor avg_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride) {
  return mean(unfold(x, -1, size, stride == 0 ? size : stride), -1);
}

}  // namespace gradus
