#include "autograd/gradient.h"

#include <algorithm>
#include <map>

#include "autograd/ops.h"

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
  const std::vector<std::int32_t> rows = rows_.to_vector<std::int32_t>();
  std::vector<std::int32_t> unique = rows;
  std::sort(unique.begin(), unique.end());
  unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
  if (!unique.empty() && unique.front() == kNoRow) unique.erase(unique.begin());
  std::vector<std::int32_t> place(rows.size());  // of each row in `unique`
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto at = std::lower_bound(unique.begin(), unique.end(), rows[i]);
    place[i] = rows[i] == kNoRow ? kNoRow : static_cast<std::int32_t>(at - unique.begin());
  }
  Backend& on = values_.backend();
  const auto count = static_cast<std::int64_t>(unique.size());
  return row_sparse(from_vector(unique, {count}, &on),
                    scatter_add(values_, from_vector(place, rows_.shape(), &on), count), shape_);
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
