// A layout says where in a buffer the elements of a tensor are: element (i, j, ...) is at
// offset + i * strides[0] + j * strides[1] + ..., counted in elements. Views (reshape, permute,
// slice, broadcast) are arithmetic on layouts: they move no data and call no backend.
//
//   Layout a{Shape{2, 3}};       // contiguous: strides 3, 1
//   a.permuted({1, 0})           // [3, 2], strides 1, 3
//   a.sliced(1, 0, 3, 2)         // [2, 2], strides 3, 2: columns 0 and 2
//   Layout{Shape{3}}.broadcast_to({2, 3})   // strides 0, 1: one row, seen twice
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "tensor/shape.h"

namespace gradus {

struct Layout {
  Shape shape;
  std::array<std::int64_t, kMaxRank> strides{};
  std::int64_t offset = 0;

  Layout() = default;
  explicit Layout(const Shape& shape);  // contiguous, row-major

  std::int64_t stride(int axis) const {
    return strides[static_cast<std::size_t>(shape.axis_at(axis))];
  }
  // Whether elements are in row-major order without gaps, whatever the strides of axes of size 1.
  bool is_contiguous() const;
  // Whether elements of some axis share memory (stride 0), as after broadcast_to().
  bool is_repeated() const;

  // Axes in a new order. Throws ShapeError unless `axes` names each axis once.
  Layout permuted(std::span<const int> axes) const;
  // Elements start, start + step, ... below stop along `axis`.
  // The caller ensures 0 <= start <= stop <= size and step >= 1.
  Layout sliced(int axis, std::int64_t start, std::int64_t stop, std::int64_t step) const;
  // Repeats axes of size 1 and missing leading axes, with stride 0. Throws ShapeError if the shapes
  // do not fit.
  Layout broadcast_to(const Shape& to) const;
  // The same elements in row-major order under another shape; none if that would need a copy.
  std::optional<Layout> reshaped(const Shape& to) const;
};

}  // namespace gradus
