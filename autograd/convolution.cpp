#include <fmt/format.h>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "autograd/windows.h"
#include "tensor/error.h"

namespace gradus {

namespace {

// A convolution is a product of every window with the weight: x [batch, in, height, width] is padded
// and unfolded to [batch, in, down, across, rows, columns], windows become rows of in * rows *
// columns numbers.
Tensor conv2d_definition(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const Conv2dOptions& options) {
  const Size2d &stride = options.stride, &padding = options.padding;
  const Tensor padded =
      pad(pad(x, 2, padding.height, padding.height), 3, padding.width, padding.width);
  const Tensor windows =
      unfold(unfold(padded, 2, weight.size(2), stride.height), 3, weight.size(3), stride.width);
  const Tensor rows = flatten(permute(windows, {0, 2, 3, 1, 4, 5}), 3, 5);
  return permute(linear(rows, flatten(weight, 1, 3), bias), {0, 3, 1, 2});  // [batch, out, ...]
}

// conv2d, and conv1d under its own name; ranks and `in` have been checked.
Tensor convolution(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Conv2dOptions& options) {
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError(
        fmt::format("[{}] bias {} must have one number for each of the {} rows of weight", op,
                    to_string(bias.shape()), weight.size(0)));
  }
  compute::check_same(op, x, weight);
  if (bias.defined()) compute::check_same(op, x, bias);
  compute::check_floating(op, x);
  const Size2d &stride = options.stride, &padding = options.padding;
  const std::int64_t down =
      count_windows(op, x.size(2), weight.size(2), stride.height, padding.height);
  const std::int64_t across =
      count_windows(op, x.size(3), weight.size(3), stride.width, padding.width);
  Backend& on = x.backend();
  const Tensor y = empty({x.size(0), weight.size(0), down, across}, {x.dtype(), &on});
  if (!on.conv2d(x.view(), weight.view(), compute::view_of(bias), stride, padding, y.view())) {
    return conv2d_definition(x, weight, bias, options);
  }
  return record_fused(
      op, y, {x, weight, bias},
      [options](const std::vector<Tensor>& in) {
        return conv2d_definition(in[0], in[1], in[2], options);
      },
      [=, &on](const Tensor& g, const Tensor&) -> std::vector<Tensor> {
        const Tensor dx = compute::room_for_gradient(x), dw = compute::room_for_gradient(weight),
                     db = compute::room_for_gradient(bias);
        const bool taken =
            on.conv2d_gradient(x.view(), weight.view(), options.stride, options.padding, g.view(),
                               compute::view_of(dx), compute::view_of(dw), compute::view_of(db));
        compute::check_taken(op, taken);
        return {dx, dw, db};
      });
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  if (x.rank() != 4 || weight.rank() != 4 || x.size(1) != weight.size(1)) {
    throw ShapeError(fmt::format(
        "[conv2d] x {} must be [batch, in, height, width] and weight {} [out, in, rows, "
        "columns] with the same in",
        to_string(x.shape()), to_string(weight.shape())));
  }
  return convolution("conv2d", x, weight, bias, options);
}

// Time is the width of an image one line high.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv1dOptions& options) {
  if (x.rank() != 3 || weight.rank() != 3 || x.size(1) != weight.size(1)) {
    throw ShapeError(
        fmt::format("[conv1d] x {} must be [batch, in, time] and weight {} [out, in, size] "
                    "with the same in",
                    to_string(x.shape()), to_string(weight.shape())));
  }
  return squeeze(convolution("conv1d", unsqueeze(x, 2), unsqueeze(weight, 2), bias,
                             {.stride = {1, options.stride}, .padding = {0, options.padding}}),
                 2);
}

}  // namespace gradus
