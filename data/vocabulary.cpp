#include "data/vocabulary.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "data/word_counts.h"
#include "tensor/error.h"

namespace gradus::data {

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  if (words_.empty() || words_[0] != kUnknownWord) {
    throw Error(fmt::format("[Vocabulary] the first word must be {}", kUnknownWord));
  }
  if (words_.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Error(fmt::format("[Vocabulary] {} words are more than fit 32 bits", words_.size()));
  }
  ids_.reserve(words_.size());
  for (std::int32_t i = 0; i < size(); ++i) {
    const std::int32_t number = ids_.add(word(i));
    if (number != i) {
      throw Error(fmt::format("[Vocabulary] words {} and {} are both '{}'", number, i, word(i)));
    }
  }
}

Vocabulary Vocabulary::of_texts(std::span<const Text> texts, std::int64_t count,
                                std::int64_t min_count) {
  auto counters = count_in_chunks(
      std::ssize(texts), kTextsAtOnce,
      [&](std::int64_t begin, std::int64_t end, WordCounts& counts, std::size_t /*counter*/) {
        std::vector<std::int32_t> numbers;
        for (std::int64_t i = begin; i < end; ++i) {
          numbers.clear();
          counts.add(texts[static_cast<std::size_t>(i)].text, numbers);
        }
      });
  return sum(counters).most_frequent(count, min_count);
}

const std::string& Vocabulary::word(std::int32_t id) const {
  if (id < 0 || id >= size()) {
    throw IndexError(fmt::format("[Vocabulary] word {} of {}", id, size()));
  }
  return words_[static_cast<std::size_t>(id)];
}

std::int32_t Vocabulary::id(std::string_view word) const {
  const std::int32_t number = ids_.find(word);
  return number == WordTable::kNone ? kUnknown : number;
}

std::vector<std::int32_t> Vocabulary::encode(const Words& words) const {
  std::vector<std::int32_t> ids;
  encode(words, ids);
  return ids;
}

void Vocabulary::encode(const Words& words, std::vector<std::int32_t>& ids) const {
  const std::size_t begin = ids.size();
  ids.resize(begin + words.size());
  for (std::size_t i = 0; i < words.size(); ++i) ids[begin + i] = id(words[i]);
}

}  // namespace gradus::data
