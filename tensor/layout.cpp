#include "tensor/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tensor/error.h"

namespace gradus {

namespace {
std::size_t at(int axis) { return static_cast<std::size_t>(axis); }
}  // namespace

Layout::Layout(const Shape& s) : shape(s) {
  std::int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[at(axis)] = step;
    step *= shape[axis];
  }
}

bool Layout::is_contiguous() const {
  if (shape.numel() == 0) return true;  // nothing to lay out
  std::int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1 && strides[at(axis)] != step) return false;
    step *= shape[axis];
  }
  return true;
}

bool Layout::is_repeated() const {
  if (shape.numel() == 0) return false;  // [2, 0] has strides 0, 1
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] > 1 && strides[at(axis)] == 0) return true;
  }
  return false;
}

Layout Layout::permuted(std::span<const int> axes) const {
  std::array<std::int64_t, kMaxRank> sizes{};
  Layout result;
  std::array<bool, kMaxRank> seen{};
  bool fits = static_cast<int>(axes.size()) == shape.rank();
  for (std::size_t i = 0; fits && i < axes.size(); ++i) {
    std::size_t from = at(shape.axis_at(axes[i]));
    fits = !seen[from];
    seen[from] = true;
    sizes[i] = shape[static_cast<int>(from)];
    result.strides[i] = strides[from];
  }
  if (!fits) {
    throw ShapeError(fmt::format("[permute] axes ({}) must name each axis of {} once",
                                 fmt::join(axes, ", "), to_string(shape)));
  }
  result.shape = Shape(std::span<const std::int64_t>(sizes.data(), axes.size()));
  result.offset = offset;
  return result;
}

Layout Layout::sliced(int axis, std::int64_t start, std::int64_t stop, std::int64_t step) const {
  int a = shape.axis_at(axis);
  if (step < 1 || start < 0 || start > stop || stop > shape[a]) {
    throw IndexError(fmt::format(
        "[slice] {}:{}:{} along axis {} of {}: needs 0 <= start <= stop <= {} and step >= 1", start,
        stop, step, axis, to_string(shape), shape[a]));
  }
  Layout result = *this;
  const std::int64_t count = stop == start ? 0 : (stop - start - 1) / step + 1;
  result.shape = shape.with(a, count);
  if (count > 1) result.strides[at(a)] *= step;  // else it may not fit 64 bits, nor matter
  if (stop > start) result.offset += start * strides[at(a)];
  return result;
}

Layout Layout::broadcast_to(const Shape& to) const {
  Layout result;
  result.shape = to;
  result.offset = offset;
  bool fits = to.rank() >= shape.rank();
  for (int i = 1; fits && i <= shape.rank(); ++i) {  // i axes from the end
    fits = shape[-i] == to[-i] || shape[-i] == 1;
    result.strides[at(to.rank() - i)] = shape[-i] == to[-i] ? strides[at(shape.rank() - i)] : 0;
  }
  if (!fits) {
    throw ShapeError(fmt::format(
        "[expand] {} does not broadcast to {}: aligned at the last axis, sizes must be equal or 1",
        to_string(shape), to_string(to)));
  }
  return result;
}

std::optional<Layout> Layout::reshaped(const Shape& to) const {
  Layout result(to);
  result.offset = offset;
  if (is_contiguous()) return result;
  // Old axes fall into runs that are evenly spaced (stride[i] == stride[i + 1] * size[i + 1]);
  // going from the last axis, new axes must fill each run exactly.
  int next = to.rank() - 1;  // the new axis to place
  int i = shape.rank() - 1;
  while (i >= 0) {
    const std::int64_t step = strides[at(i)];
    std::int64_t run = shape[i];
    for (--i; i >= 0 && (shape[i] == 1 || strides[at(i)] == step * run); --i) run *= shape[i];
    std::int64_t filled = 1;
    for (; next >= 0 && (filled < run || to[next] == 1); --next) {
      result.strides[at(next)] = step * filled;
      filled *= to[next];
    }
    if (filled != run) return std::nullopt;
  }
  return result;
}

}  // namespace gradus
