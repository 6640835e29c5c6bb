#include "autograd/gradient.h"

#include <bit>
#include <vector>

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

namespace {

// Numbers rows 0, 1, 2, ... as they first appear: a hash table with open addressing, at most half
// full.
class RowNumbers {
 public:
  explicit RowNumbers(std::size_t most)
      : slots_(std::bit_ceil(2 * most + 1), kFree),
        shift_(32 - std::bit_width(slots_.size() - 1)) {}

  std::int32_t of(std::int32_t row) {
    // Fibonacci hashing (Knuth, volume 3, section 6.4): the upper bits of row * 2^32 / 1.618...
    std::uint64_t slot = std::uint64_t{static_cast<std::uint32_t>(row) * 2654435769U} >> shift_;
    while (slots_[slot] != kFree && rows_[static_cast<std::size_t>(slots_[slot])] != row) {
      slot = (slot + 1) % slots_.size();
    }
    if (slots_[slot] == kFree) {
      slots_[slot] = static_cast<std::int32_t>(rows_.size());
      rows_.push_back(row);
    }
    return slots_[slot];
  }
  const std::vector<std::int32_t>& rows() const { return rows_; }

 private:
  static constexpr std::int32_t kFree = -1;
  std::vector<std::int32_t> slots_, rows_;
  int shift_;
};

}  // namespace

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
