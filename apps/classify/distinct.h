// The different words of a batch, so that each is read once: there are far fewer than positions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace gradus::classify {

struct Distinct {
  std::vector<std::int32_t> words;   // ascending
  std::vector<std::int32_t> places;  // of each word of the batch among them
};

inline Distinct distinct(const std::vector<std::int32_t>& batch) {
  Distinct result{batch, {}};
  std::ranges::sort(result.words);
  result.words.erase(std::unique(result.words.begin(), result.words.end()), result.words.end());
  const auto end = result.words.empty() ? 0 : static_cast<std::size_t>(result.words.back()) + 1;
  std::vector<std::int32_t> number(end);
  for (std::size_t i = 0; i < result.words.size(); ++i) {
    number[static_cast<std::size_t>(result.words[i])] = static_cast<std::int32_t>(i);
  }
  result.places.reserve(batch.size());
  for (const std::int32_t word : batch) {
    result.places.push_back(number[static_cast<std::size_t>(word)]);
  }
  return result;
}

}  // namespace gradus::classify
