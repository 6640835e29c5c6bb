// Numbers rows 0, 1, 2, ... in the order of first appearance: a hash table with open addressing, at
// most half full.
//
//   RowNumbers numbers(3);
//   numbers.of(70), numbers.of(12), numbers.of(70);    // 0, 1, 0
//   numbers.rows();                                    // {70, 12}
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradus {

class RowNumbers {
 public:
  explicit RowNumbers(std::size_t most)
      : slots_(std::bit_ceil(2 * most + 1), kFree),
        shift_(32 - static_cast<int>(std::bit_width(slots_.size() - 1))) {}

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

}  // namespace gradus
