// Seeded shuffling with the same order everywhere; std::shuffle may differ between standard
// libraries. Random numbers come from Philox (tensor/philox.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "tensor/philox.h"

namespace gradus::data {

// The streams of data and training. Tensors count theirs from 0, so no two share one. An epoch or a
// pass adds its number. (Word vectors have two more, apps/classify/word_vectors.cpp.)
inline constexpr std::uint64_t kSplitStream = std::uint64_t{1} << 48;
inline constexpr std::uint64_t kEpochStream = std::uint64_t{2} << 48;
inline constexpr std::uint64_t kPassStream = std::uint64_t{3} << 48;

// Fisher and Yates: every order is equally likely (to within n / 2^64).
template <class T>
void shuffle(std::span<T> values, std::uint64_t seed, std::uint64_t stream) {
  for (std::size_t i = values.size(); i > 1; --i) {
    const auto bits = philox(seed, stream, i);
    const std::uint64_t r = (std::uint64_t{bits[1]} << 32) | bits[0];
    std::swap(values[i - 1], values[static_cast<std::size_t>(r % i)]);
  }
}

}  // namespace gradus::data
