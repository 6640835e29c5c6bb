// The gradient of one tensor: dense, or row-sparse - a few rows of a table and nothing elsewhere,
// as an embedding gets from a batch that touches a few words. The sparse form costs in proportion
// to the rows, not to the table.
//
//   Gradient g = Gradient::row_sparse(rows, values, {20000, 128});  // rows [n], values [n, 128]
//   g.coalesced()   // the same with each row once
//   g.dense()       // a [20000, 128] tensor
#pragma once

#include "tensor/tensor.h"

namespace gradus {

class Gradient {
 public:
  Gradient() = default;
  Gradient(Tensor dense)
      : values_(std::move(dense)), shape_(values_.shape()) {}  // NOLINT: on purpose
  // values[i] is added to row rows[i] of a table of shape `shape`; rows may repeat, -1 is skipped.
  static Gradient row_sparse(Tensor rows, Tensor values, const Shape& shape);

  bool defined() const { return values_.defined(); }
  bool is_sparse() const { return rows_.defined(); }
  const Shape& shape() const { return shape_; }
  const Tensor& rows() const { return rows_; }      // i32 [n]; sparse only
  const Tensor& values() const { return values_; }  // [n, ...]; the whole if dense

  Tensor dense() const;
  // Rows in the order in which they first appear, each once, without -1, their values added up in
  // order. Dense gradients as they are.
  Gradient coalesced() const;
  // this + other: sparse stays sparse, mixed becomes dense.
  Gradient plus(const Gradient& other) const;

 private:
  Tensor rows_;
  Tensor values_;
  Shape shape_;
};

}  // namespace gradus
