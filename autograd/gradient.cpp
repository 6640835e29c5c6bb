#include "autograd/gradient.h"

#include <fmt/format.h>

#include <vector>

#include "autograd/ops.h"
#include "autograd/row_numbers.h"

namespace gradus {

namespace {
Tensor joined(const std::vector<Tensor>& parts) {
  return parts.empty() ? Tensor() : parts.size() == 1 ? parts[0] : concat(parts, 0);
}
}  // namespace

Gradient Gradient::row_sparse(Tensor rows, Tensor values, const Shape& shape) {
  Gradient g;
  g.rows_ = {std::move(rows)};
  g.values_ = {std::move(values)};
  g.shape_ = shape;
  return g;
}

Tensor Gradient::rows() const { return joined(rows_); }
Tensor Gradient::values() const { return joined(values_); }

bool Gradient::fits(const Tensor& x) const {
  bool fit = shape_ == x.shape() && rows_.size() == (is_sparse() ? values_.size() : 0);
  for (std::size_t i = 0; fit && i < values_.size(); ++i) {
    const Tensor& part = values_[i];
    fit = part.dtype() == x.dtype() && &part.backend() == &x.backend();
    if (!is_sparse()) continue;
    const Tensor& rows = rows_[i];
    fit = fit && x.rank() > 0 && part.shape() == shape_.with(0, rows.numel()) &&
          rows.dtype() == DType::i32 && &rows.backend() == &x.backend();
  }
  return fit;
}

Tensor Gradient::dense() const {
  return is_sparse() ? scatter_add(values(), rows(), shape_[0]) : values();
}

Gradient Gradient::coalesced() const {
  if (!is_sparse()) return *this;
  const Tensor all = this->rows(), given = values();
  std::vector<std::int32_t> rows = all.to_vector<std::int32_t>();
  RowNumbers numbers(rows.size());
  for (std::int32_t& row : rows) row = row == kNoRow ? kNoRow : numbers.of(row);
  if (numbers.rows().size() == rows.size()) return row_sparse(all, given, shape_);
  Backend& on = given.backend();
  const auto count = static_cast<std::int64_t>(numbers.rows().size());
  return row_sparse(from_vector(numbers.rows(), {count}, &on),
                    scatter_add(given, from_vector(rows, all.shape(), &on), count), shape_);
}

Gradient& Gradient::operator+=(const Gradient& other) {
  if (!other.defined()) return *this;
  if (!defined()) return *this = other;
  if (&other == this) return *this += Gradient(other);
  if (!is_sparse() || !other.is_sparse()) return *this = dense() + other.dense();
  rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  return *this;
}

std::string describe(const Gradient& g) {
  const std::string values = describe(g.values());
  return g.is_sparse() ? fmt::format("{} in rows of {}", values, to_string(g.shape())) : values;
}

}  // namespace gradus
