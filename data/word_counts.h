// Counts words on all cores. Each word gets a provisional number on the way, so that texts need not
// be split again once the vocabulary, and with it the final numbers, is known.
//
//   auto counters = count_in_chunks(std::ssize(texts), kTextsAtOnce,
//       [&](std::int64_t begin, std::int64_t end, WordCounts& counts, std::size_t counter) {
//         for (std::int64_t i = begin; i < end; ++i) counts.add(texts[i].text, numbers[i]);
//       });
//   Vocabulary vocabulary = sum(counters).most_frequent(20000, 1);
//   vocabulary.id(counters[counter].words()[number])     // the final number
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "data/vocabulary.h"
#include "data/word_table.h"
#include "data/words.h"

namespace gradus::data {

class WordCounts {
 public:
  WordCounts();

  // Counts the words of a text and appends their provisional numbers. Words longer than 100 bytes
  // are not counted; they get kUnknown, as they will in the vocabulary.
  void add(std::string_view text, std::vector<std::int32_t>& numbers);
  void add(const WordCounts& other);

  // By provisional number; kUnknown is <unk>.
  const WordTable& words() const { return words_; }
  // As Vocabulary::of_texts.
  Vocabulary most_frequent(std::int64_t count, std::int64_t min_count) const;

 private:
  WordTable words_;
  std::vector<std::int64_t> counts_;  // by provisional number
  Words split_;
};

// A parallel_for that gives each chunk a counter which no other thread uses meanwhile, and its
// index in the result. There are no more counters than threads. Which chunks share a counter, and
// so the provisional numbers, is left to chance; sums and final numbers are not.
std::deque<WordCounts> count_in_chunks(
    std::int64_t count, std::int64_t chunk,
    const std::function<void(std::int64_t begin, std::int64_t end, WordCounts& counts,
                             std::size_t counter)>& body);

// Adds all counters to the first. Provisional numbers already given stay.
WordCounts& sum(std::deque<WordCounts>& counters);

}  // namespace gradus::data
