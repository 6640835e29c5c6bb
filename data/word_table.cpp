#include "data/word_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

#include "tensor/error.h"

namespace gradus::data {

namespace {

constexpr std::size_t kShort = 16;
constexpr std::size_t kFewestSlots = 256;

template <class T>
std::uint64_t load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

// No loop: words of a size are read with the same loads, which overlap where it is no power of two.
inline WordTable::Key WordTable::key_of(std::string_view word) {
  const char* begin = word.data();
  const char* end = begin + word.size();
  const auto size = static_cast<std::uint32_t>(
      std::min<std::size_t>(word.size(), std::numeric_limits<std::uint32_t>::max()));
  if (size > kShort) return {std::hash<std::string_view>()(word), 0, size};
  if (size >= 8) return {load<std::uint64_t>(begin), load<std::uint64_t>(end - 8), size};
  if (size >= 4) return {load<std::uint32_t>(begin), load<std::uint32_t>(end - 4), size};
  if (size >= 2) return {load<std::uint16_t>(begin), load<std::uint16_t>(end - 2), size};
  return {size == 1 ? load<std::uint8_t>(begin) : 0, 0, size};
}

inline std::size_t WordTable::place_of(const Key& key) const {
  // Odd factors with bits like random ones; the upper bits of a product depend on all bits below.
  const std::uint64_t x = (key.first + key.size) * 0x9E3779B97F4A7C15;
  return ((x ^ (x >> 32) ^ key.last) * 0xC2B2AE3D27D4EB4F) >> shift_;
}

std::size_t WordTable::slot_of(std::string_view word) const {
  const Key key = key_of(word);
  for (std::size_t i = place_of(key);; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.number == kNone) return i;
    if (slot.key() == key && (key.size <= kShort || (*this)[slot.number] == word)) return i;
  }
}

std::int32_t WordTable::find(std::string_view word) const {
  return slots_.empty() ? kNone : slots_[slot_of(word)].number;
}

std::int32_t WordTable::add(std::string_view word) {
  if (2 * starts_.size() > slots_.size()) resize(std::max(2 * slots_.size(), kFewestSlots));
  Slot& slot = slots_[slot_of(word)];
  if (slot.number != kNone) return slot.number;

  if (size() == std::numeric_limits<std::int32_t>::max()) {
    throw Error("[WordTable] there are more different words than fit 32 bits");
  }
  const Key key = key_of(word);
  slot = {key.first, key.last, key.size, size()};
  bytes_ += word;
  starts_.push_back(bytes_.size());
  return slot.number;
}

std::string_view WordTable::operator[](std::int32_t number) const {
  const auto i = static_cast<std::size_t>(number);
  return std::string_view(bytes_).substr(starts_[i], starts_[i + 1] - starts_[i]);
}

void WordTable::reserve(std::size_t words) {
  const std::size_t slots = std::bit_ceil(std::max(2 * words + 1, kFewestSlots));
  if (slots > slots_.size()) resize(slots);
  starts_.reserve(words + 1);
}

void WordTable::resize(std::size_t slots) {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots));
  shift_ = 64 - std::countr_zero(slots);
  for (const Slot& slot : old) {
    // All words differ, so that the next free slot will do.
    if (slot.number == kNone) continue;
    std::size_t i = place_of(slot.key());
    while (slots_[i].number != kNone) i = (i + 1) & (slots - 1);
    slots_[i] = slot;
  }
}

}  // namespace gradus::data
