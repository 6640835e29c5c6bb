// The gradient of one tensor: dense, or row-sparse - a few rows of a table and nothing elsewhere,
// as an embedding gets from a batch that touches a few words. The sparse form costs in proportion
// to the rows, not to the table.
//
//   Gradient g = Gradient::row_sparse(rows, values, {20000, 128});  // rows [n], values [n, 128]
//   g.coalesced()   // the same with each row once
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
  // values[i] is added to row rows[i] of a table of shape `shape`; rows may repeat, -1 is skipped.
  static Gradient row_sparse(Tensor rows, Tensor values, const Shape& shape);

  bool defined() const { return !values_.empty() && values_[0].defined(); }
  bool is_sparse() const { return !rows_.empty(); }
  const Shape& shape() const { return shape_; }
  Tensor rows() const;    // i32 [n]; undefined if dense
  Tensor values() const;  // [n, ...]; the whole if dense

  // Whether it is of x's shape and dtype, on its backend.
  bool fits(const Tensor& x) const;
  Tensor dense() const;
  // Rows in the order in which they first appear, each once, without -1, their values added up in
  // order. Dense gradients as they are.
  Gradient coalesced() const;
  // Sparse stays sparse, mixed becomes dense. Adding sparse ones moves no data: a table read in a
  // thousand steps gets a list of a thousand parts.
  Gradient& operator+=(const Gradient& other);

 private:
  std::vector<Tensor> rows_;    // parts of the rows, one after another; none if dense
  std::vector<Tensor> values_;  // as many, or the dense one
  Shape shape_;
};

// "f32 [2, 3] on cpu", or "f32 [1, 3] on cpu in rows of [2, 3]", for messages.
std::string describe(const Gradient& g);

}  // namespace gradus
