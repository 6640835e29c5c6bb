#include <fmt/format.h>

#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

// A window of an image is a window in time over `rows` lines at once: each row of windows,
// [in * rows, width], is convolved along its width with the weight as [out, in * rows, columns].
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  if (x.rank() != 4 || weight.rank() != 4 || x.size(1) != weight.size(1)) {
    throw ShapeError(fmt::format(
        "[conv2d] x {} must be [batch, in, height, width] and weight {} [out, in, rows, "
        "columns] with the same in",
        to_string(x.shape()), to_string(weight.shape())));
  }
  const Size2d &stride = options.stride, &padding = options.padding;
  const Tensor padded = pad(x, 2, padding.height, padding.height);
  const Tensor down = unfold(padded, 2, weight.size(2), stride.height);  // [b, in, h, width, rows]
  const Tensor lines = flatten(permute(down, {0, 2, 1, 4, 3}), 2, 3);    // [b, h, in * rows, width]
  const Tensor y = conv1d(flatten(lines, 0, 1), flatten(weight, 1, 2), bias,
                          {.stride = stride.width, .padding = padding.width});  // [b * h, out, w]
  return permute(reshape(y, {x.size(0), lines.size(1), y.size(1), y.size(2)}), {0, 2, 1, 3});
}

namespace {

// Along the width, then along the height.
template <class Pool1d>
Tensor pool(const char* op, const Tensor& x, const Size2d& size, const Size2d& stride,
            Pool1d pool1d) {
  if (x.rank() < 2) {
    throw ShapeError(
        fmt::format("[{}] x {} must end with height and width", op, to_string(x.shape())));
  }
  const Tensor across = pool1d(x, size.width, stride.width);
  return transpose(pool1d(transpose(across), size.height, stride.height));
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride) {
  return pool("max_pool2d", x, size, stride, max_pool1d);
}

Tensor avg_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride) {
  return pool("avg_pool2d", x, size, stride, avg_pool1d);
}

}  // namespace gradus
