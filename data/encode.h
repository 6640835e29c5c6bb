// Turns texts into word numbers, ready for batches (data/batches.h):
//
//   auto [vocabulary, train] = learn_vocabulary(split.train, 20000);
//   EncodedTexts held_out = encode(vocabulary, split.held_out);
//   held_out[i]     // the numbers of text i
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/vocabulary.h"

namespace gradus::data {

// Many texts in one array. Each position of a text has one id, its word; with n-grams
// (data/ngrams.h) it has a bag of any number of ids.
struct EncodedTexts {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> offsets{0};   // [texts + 1], in positions
  std::vector<std::int32_t> labels;       // [texts]
  std::vector<std::int32_t> bags = {};    // [positions], the number of ids at each; empty: one each
  std::vector<std::int32_t> words = {};   // with bags: [positions], the word at each
  std::vector<std::int64_t> starts = {};  // [texts + 1], in ids; empty: the same as offsets

  std::int64_t size() const { return std::ssize(labels); }
  // The number of positions of text i.
  std::int64_t length(std::int64_t i) const {
    return offsets[static_cast<std::size_t>(i) + 1] - offsets[static_cast<std::size_t>(i)];
  }
  // The ids of text i, the sizes of its bags, and its words.
  std::span<const std::int32_t> operator[](std::int64_t i) const;
  std::span<const std::int32_t> bags_of(std::int64_t i) const;
  std::span<const std::int32_t> words_of(std::int64_t i) const;
};

// Runs on all cores. A text without tokens becomes one <unk>, so that no text is empty.
EncodedTexts encode(const Vocabulary& vocabulary, std::span<const Text> texts);

struct Learned {
  Vocabulary vocabulary;
  EncodedTexts texts;
};
// Vocabulary::of_texts and encode in one pass, which takes half the time.
Learned learn_vocabulary(std::span<const Text> texts, std::int64_t count,
                         std::int64_t min_count = 1);

}  // namespace gradus::data
