#include "backends/cpu/operand.h"

#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "backends/cpu/kernels.h"

namespace gradus::cpu {

// Without the last `count` axes.
Layout leading(const Layout& layout, int count) {
  Layout result = layout;
  result.offset = 0;
  result.shape = Shape(std::span(layout.shape.begin(), layout.shape.end() - count));
  return result;
}

View transposed(View view) {
  Layout& x = view.layout;
  std::vector<int> axes(static_cast<std::size_t>(x.shape.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes.end()[-1], axes.end()[-2]);
  x = x.permuted(axes);
  return view;
}

namespace {

// Storage and row distance, if BLAS can read the last two axes in place.
bool readable(Operand& operand) {
  const Layout& layout = operand.view.layout;
  const std::int64_t rows = layout.shape[-2];
  const std::int64_t columns = layout.shape[-1];
  const std::int64_t row_step = rows == 1 ? columns : layout.stride(-2);
  const std::int64_t column_step = columns == 1 ? rows : layout.stride(-1);
  if ((columns == 1 || column_step == 1) && row_step >= columns) {
    operand.storage = kPlain;
    operand.row_distance = row_step;
  } else if ((rows == 1 || row_step == 1) && column_step >= rows) {
    operand.storage = kTransposed;
    operand.row_distance = column_step;
  } else {
    return false;
  }
  return operand.row_distance <= kBlasLimit;
}

}  // namespace

Operand operand_of(Cache& cache, const View& view) {
  Operand operand;
  operand.view = view;
  operand.stack = leading(view.layout, 2);
  if (readable(operand)) return operand;
  View once = view;  // repeated matrices are copied once
  for (int axis = 0; axis < view.shape().rank() - 2; ++axis) {
    if (view.layout.stride(axis) == 0) once.layout.shape = once.layout.shape.with(axis, 1);
  }
  operand.keeper =
      cache.allocate(static_cast<std::size_t>(once.shape().numel()) * size_of(view.dtype));
  const View dense{operand.keeper.get(), view.dtype, Layout(once.shape())};
  copy(cache, once, dense);
  operand.view = dense;
  operand.view.layout = dense.layout.broadcast_to(view.shape());
  operand.stack = leading(operand.view.layout, 2);
  readable(operand);
  return operand;
}

}  // namespace gradus::cpu
