#include "autograd/gradient.h"

#include <vector>

#include "autograd/ops.h"
#include "autograd/row_numbers.h"

namespace gradus {

Gradient Gradient::row_sparse(Tensor rows, Tensor values, const Shape& shape) {
  Gradient g;
  g.rows_ = std::move(rows);
  g.values_ = std::move(values);
  g.shape_ = shape;
  return g;
}

Tensor Gradient::dense() const {
  return is_sparse() ? scatter_add(values_, rows_, shape_[0]) : values_;
}

Gradient Gradient::coalesced() const {
  if (!is_sparse()) return *this;
  std::vector<std::int32_t> rows = rows_.to_vector<std::int32_t>();
  RowNumbers numbers(rows.size());
  for (std::int32_t& row : rows) row = row == kNoRow ? kNoRow : numbers.of(row);
  if (numbers.rows().size() == rows.size()) return *this;
  Backend& on = values_.backend();
  const auto count = static_cast<std::int64_t>(numbers.rows().size());
  return row_sparse(from_vector(numbers.rows(), {count}, &on),
                    scatter_add(values_, from_vector(rows, rows_.shape(), &on), count), shape_);
}

Gradient Gradient::plus(const Gradient& other) const {
  if (!defined()) return other;
  if (!other.defined()) return *this;
  if (is_sparse() && other.is_sparse()) {
    return row_sparse(concat({rows_, other.rows_}, 0), concat({values_, other.values_}, 0), shape_);
  }
  return dense() + other.dense();
}

}  // namespace gradus
