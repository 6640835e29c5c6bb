#include "autograd/gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "autograd/compute.h"
#include "autograd/ops.h"
#include "autograd/row_numbers.h"
#include "tensor/error.h"

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

Gradient Gradient::of_slice(const Tensor& values, const Slice& slice, const Shape& shape) {
  const auto& [given_axis, start, stop, step] = slice;
  const int axis = shape.axis_at(given_axis);
  const bool exists = start >= 0 && start <= stop && stop <= shape[axis] && step >= 1;
  if (!exists || values.shape() != Layout(shape).sliced(axis, start, stop, step).shape) {
    throw ShapeError(fmt::format(
        "[Gradient::of_slice] values {} are not those from {} to {}, every {}, of axis {} of {}",
        to_string(values.shape()), start, stop, step, axis, to_string(shape)));
  }
  Gradient g;
  g.slices_ = {{axis, start, stop, step}};
  g.values_ = {values.detach()};
  g.shape_ = shape;
  return g;
}

Tensor Gradient::rows() const { return joined(rows_); }
Tensor Gradient::values() const { return slices_.empty() ? joined(values_) : slices_together(); }

bool Gradient::is_of(DType dtype, const Backend& backend) const {
  return std::ranges::all_of(values_, [&](const Tensor& part) {
    return part.dtype() == dtype && &part.backend() == &backend;
  });
}

bool Gradient::fits(const Tensor& x) const {
  bool fit = shape_ == x.shape() && is_of(x.dtype(), x.backend());
  for (std::size_t i = 0; fit && i < rows_.size(); ++i) {
    fit = x.rank() > 0 && values_[i].shape() == shape_.with(0, rows_[i].numel()) &&
          rows_[i].dtype() == DType::i32 && &rows_[i].backend() == &x.backend();
  }
  return fit;
}

Tensor Gradient::dense() const {
  return is_sparse() ? scatter_add(values(), rows(), shape_[0]) : values();
}

// Those of one axis that overlap none before them are copied to their places, the others added.
Tensor Gradient::slices_together() const {
  const int axis = slices_[0].axis;
  std::vector<bool> taken(static_cast<std::size_t>(shape_[axis])), copies;
  bool one_axis = true;
  for (const Slice& s : slices_) {
    one_axis = one_axis && s.axis == axis;
    bool overlaps = false;
    for (std::int64_t i = s.start; one_axis && i < s.stop; i += s.step) {
      overlaps |= taken[static_cast<std::size_t>(i)];
      taken[static_cast<std::size_t>(i)] = true;
    }
    copies.push_back(one_axis && !overlaps);
  }
  const auto all = [](const std::vector<bool>& list) {
    return std::ranges::find(list, false) == list.end();
  };
  const bool all_written = all(copies) && all(taken);
  Tensor whole = (all_written ? empty : zeros)(shape_, values_[0].options());
  for (std::size_t i = 0; i < slices_.size(); ++i) {
    const Slice& s = slices_[i];
    const Layout place = whole.layout().sliced(s.axis, s.start, s.stop, s.step);
    const Tensor& part = values_[i];
    compute::copy_into(copies[i] ? part : whole.with_layout(place) + part, whole, place);
  }
  return whole;
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
  const bool both_in_rows = is_sparse() && other.is_sparse();
  const bool both_in_slices = !slices_.empty() && !other.slices_.empty();
  if (!both_in_rows && !both_in_slices) return *this = dense() + other.dense();
  rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
  slices_.insert(slices_.end(), other.slices_.begin(), other.slices_.end());
  values_.insert(values_.end(), other.values_.begin(), other.values_.end());
  return *this;
}

std::string describe(const Gradient& g) {
  const std::string values = describe(g.values());
  return g.is_sparse() ? fmt::format("{} in rows of {}", values, to_string(g.shape())) : values;
}

}  // namespace gradus
