// Texts as word numbers, ready to be put into batches (data/batches.h):
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

// Many texts as word numbers, in one array: one at each position of a text. N-grams (data/ngrams.h) may
// have any number at a position, a bag of them.
struct EncodedTexts {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> offsets{0};   // [texts + 1], in positions
  std::vector<std::int32_t> labels;       // [texts]
  std::vector<std::int32_t> bags = {};    // [positions], the ids at each; empty: one
  std::vector<std::int32_t> words = {};   // [positions] then: the word at each
  std::vector<std::int64_t> starts = {};  // [texts + 1], in ids; empty: the offsets

  std::int64_t size() const { return std::ssize(labels); }
  // In positions.
  std::int64_t length(std::int64_t i) const {
    return offsets[static_cast<std::size_t>(i) + 1] - offsets[static_cast<std::size_t>(i)];
  }
  // The ids of text i, and the sizes of its bags and its words.
  std::span<const std::int32_t> operator[](std::int64_t i) const;
  std::span<const std::int32_t> bags_of(std::int64_t i) const;
  std::span<const std::int32_t> words_of(std::int64_t i) const;
};

// On all cores. A text without a token becomes one <unk>, so that no text is empty.
EncodedTexts encode(const Vocabulary& vocabulary, std::span<const Text> texts);

struct Learned {
  Vocabulary vocabulary;
  EncodedTexts texts;
};
// Vocabulary::of_texts and then encode, in half the time: the texts are split into words but once.
Learned learn_vocabulary(std::span<const Text> texts, std::int64_t count,
                         std::int64_t min_count = 1);

}  // namespace gradus::data
