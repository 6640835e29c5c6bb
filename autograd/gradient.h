// The gradient of a tensor: dense, or row-sparse. An embedding gets a row-sparse one, since a batch
// touches only a few rows of its table; it costs in proportion to these rows, not to the table.
//
//   Gradient g = Gradient::row_sparse(rows, values, {20000, 128});  // rows [n], values [n, 128]
//   g.coalesced()   // the same, with each row once
//   g.dense()       // a [20000, 128] tensor
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

class Gradient {
 public:
  Gradient() = default;
  Gradient(Tensor dense)
      : values_{std::move(dense)}, shape_(values_[0].shape()) {}  // NOLINT: on purpose
  // Adds values[i] to row rows[i] of a table of this shape. Rows may repeat; -1 is skipped.
  static Gradient row_sparse(Tensor rows, Tensor values, const Shape& shape);

  bool defined() const { return !values_.empty() && values_[0].defined(); }
  bool is_sparse() const { return !rows_.empty(); }
  const Shape& shape() const { return shape_; }
  Tensor rows() const;    // i32 [n]; undefined if dense
  Tensor values() const;  // [n, ...]; the whole gradient if dense

  // Whether it has x's shape, dtype and backend.
  bool fits(const Tensor& x) const;
  // The gradient as one tensor of shape().
  Tensor dense() const;
  // Each row once, in the order of first appearance, without -1; values of equal rows are added in
  // order. A dense gradient is returned as it is.
  Gradient coalesced() const;
  // Sparse plus sparse stays sparse; any other sum is dense. Adding sparse gradients moves no data:
  // it appends to a list of parts.
  Gradient& operator+=(const Gradient& other);

 private:
  std::vector<Tensor> rows_;    // parts of the rows, one after another; none if dense
  std::vector<Tensor> values_;  // as many, or the dense one
  Shape shape_;
};

// "f32 [2, 3] on cpu", or "f32 [1, 3] on cpu in rows of [2, 3]", for messages.
std::string describe(const Gradient& g);

}  // namespace gradus
