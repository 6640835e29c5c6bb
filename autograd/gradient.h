// The gradient of a tensor: dense, row-sparse, or of slices. An embedding gets a row-sparse one, since a
// batch touches only a few rows of its table; it costs in proportion to these rows, not to the table.
//
//   Gradient g = Gradient::row_sparse(rows, values, {20000, 128});  // rows [n], values [n, 128]
//   g.coalesced()   // the same, with each row once
//   g.dense()       // a [20000, 128] tensor
//
// A tensor cut into slices gets the gradient of each in its place. The engine makes one dense gradient
// of them when all have come: n slices cost as much as the whole, not n times as much.
//
//   g = Gradient::of_slice(left, {.axis = 1, .start = 0, .stop = 2, .step = 1}, {8, 5});  // left [8, 2]
//   g += Gradient::of_slice(right, {.axis = 1, .start = 2, .stop = 5, .step = 1}, {8, 5});
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// Elements start, start + step, ... below stop along an axis.
struct Slice {
  int axis;
  std::int64_t start, stop, step;
};

class Gradient {
 public:
  Gradient() = default;
  Gradient(Tensor dense)
      : values_{std::move(dense)}, shape_(values_[0].shape()) {}  // NOLINT: on purpose
  // Adds values[i] to row rows[i] of a table of this shape. Rows may repeat; -1 is skipped.
  static Gradient row_sparse(Tensor rows, Tensor values, const Shape& shape);

  // Zeros of this shape, but for `values` in the slice; no graph leads from it to them. Throws
  // ShapeError unless the values have the slice's shape and it lies within `shape`.
  static Gradient of_slice(const Tensor& values, const Slice& slice, const Shape& shape);

  bool defined() const { return !values_.empty() && values_[0].defined(); }
  bool is_sparse() const { return !rows_.empty(); }
  const Shape& shape() const { return shape_; }
  Tensor rows() const;    // i32 [n]; undefined unless row-sparse
  Tensor values() const;  // [n, ...]; the whole gradient unless row-sparse

  // Whether it has x's shape, dtype and backend.
  bool fits(const Tensor& x) const;
  // Whether all its values have this dtype and backend.
  bool is_of(DType dtype, const Backend& backend) const;
  // The gradient as one tensor of shape().
  Tensor dense() const;
  // Each row once, in the order of first appearance, without -1; values of equal rows are added in
  // order. Any other gradient is returned as it is.
  Gradient coalesced() const;
  // Row-sparse gradients stay so, as do those of slices; any other sum is dense. Adding two of the same
  // kind moves no data: it appends to a list of parts.
  Gradient& operator+=(const Gradient& other);

 private:
  Tensor slices_together() const;

  std::vector<Tensor> rows_;    // of each part, if row-sparse
  std::vector<Slice> slices_;   // of each part, if it is of slices
  std::vector<Tensor> values_;  // the parts, or the dense one
  Shape shape_;
};

// "f32 [2, 3] on cpu", or "f32 [1, 3] on cpu in rows of [2, 3]", for messages.
std::string describe(const Gradient& g);

}  // namespace gradus
