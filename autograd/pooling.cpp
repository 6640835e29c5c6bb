#include <fmt/format.h>

#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "autograd/windows.h"
#include "tensor/error.h"

namespace gradus {

namespace {

// x [..., height, width] as [..., down, across, rows, columns].
Tensor windows_of(const Tensor& x, const Size2d& size, const Size2d& stride) {
  return unfold(unfold(x, -2, size.height, stride.height), -2, size.width, stride.width);
}

// A stride of 0 means the size.
Size2d stride_of(const Size2d& size, const Size2d& stride) {
  return {stride.height == 0 ? size.height : stride.height,
          stride.width == 0 ? size.width : stride.width};
}

// What max_pool2d and avg_pool2d give: [..., down, across].
Shape pooled_shape(const char* op, const Tensor& x, const Size2d& size, const Size2d& stride) {
  if (x.rank() < 2) {
    throw ShapeError(
        fmt::format("[{}] x {} must end with height and width", op, to_string(x.shape())));
  }
  return x.shape()
      .with(-2, count_windows(op, x.size(-2), size.height, stride.height))
      .with(-1, count_windows(op, x.size(-1), size.width, stride.width));
}

Tensor max_pool(const char* op, const Tensor& x, const Size2d& size, const Size2d& stride) {
  const Tensor y = empty(pooled_shape(op, x, size, stride), x.options());
  const Tensor dense = compute::contiguous(x);
  if (!x.backend().max_pool2d(dense.view(), size, stride, y.view())) {
    return max(windows_of(x, size, stride), {-2, -1});
  }
  return record_fused(
      op, y, {x},
      [=](const std::vector<Tensor>& in) {
        return max(windows_of(in[0], size, stride), {-2, -1});
      },
      [=](const Tensor& g, const Tensor& result) -> std::vector<Tensor> {
        const Tensor dx = empty(dense.shape(), dense.options());
        const bool taken = dense.backend().max_pool2d_gradient(
            dense.view(), size, stride, result.view(), compute::contiguous(g).view(), dx.view());
        compute::check_taken(op, taken);
        return {dx};
      });
}

// The sum of each window of an axis: of the windows' first elements, their second, and so on, each an evenly
// spaced slice.
Tensor sum_windows(const Tensor& x, int axis, std::int64_t size, std::int64_t stride) {
  const std::int64_t reach = (x.size(axis) - size) / stride * stride + 1;
  return fused([&] {
    Tensor sum = slice(x, axis, 0, reach, stride);
    for (std::int64_t i = 1; i < size; ++i) sum = sum + slice(x, axis, i, i + reach, stride);
    return sum;
  });
}

// First of lines, then of columns: windows that overlap share the sums of their lines.
Tensor avg_pool(const char* op, const Tensor& x, const Size2d& size, const Size2d& stride) {
  pooled_shape(op, x, size, stride);
  const Tensor numbers = is_floating(x.dtype()) ? x : cast(x, DType::f32);
  const Tensor lines = sum_windows(numbers, -2, size.height, stride.height);
  return sum_windows(lines, -1, size.width, stride.width) /
         static_cast<double>(size.height * size.width);
}

// Time is the width of an image one line high.
template <class Pool>
Tensor along_time(const char* op, Pool pool, const Tensor& x, std::int64_t size,
                  std::int64_t stride) {
  if (x.rank() < 1) {
    throw ShapeError(fmt::format("[{}] x {} must end with time", op, to_string(x.shape())));
  }
  const Size2d window{1, size};
  return squeeze(pool(op, unsqueeze(x, -2), window, stride_of(window, {1, stride})), -2);
}

}  // namespace

Tensor max_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride) {
  return along_time("max_pool1d", max_pool, x, size, stride);
}

Tensor avg_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride) {
  return along_time("avg_pool1d", avg_pool, x, size, stride);
}

Tensor max_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride) {
  return max_pool("max_pool2d", x, size, stride_of(size, stride));
}

Tensor avg_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride) {
  return avg_pool("avg_pool2d", x, size, stride_of(size, stride));
}

}  // namespace gradus
