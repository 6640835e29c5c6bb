// Numbers n-grams: every word, pair and triple of neighbouring words that occurs at least twice in
// a set of texts. Exact: different n-grams never share a number.
//
//   auto [vocabulary, texts] = learn_vocabulary(split.train, kAllWords, 2);
//   Ngrams ngrams = Ngrams::of_texts(texts, {.longest = 3, .skips = true});
//   EncodedTexts found = ngrams.encode(texts);
//   found.ids      // n-gram numbers: at each position of a text those that begin there
//
// Numbers start at 0 with the most frequent. Position t has the word t, the pair t, t+1, the triple
// t .. t+2, and with `skips` the pair t, t+2 with any word between. If a text has an n-gram several
// times, only the first counts (unless `repeats`). Unknown n-grams are left out, so a position may
// have none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/encode.h"

namespace gradus::data {

struct NgramOptions {
  int longest = 3;  // words: 1, 2 or 3
  bool skips = false;
  bool repeats = false;                       // keep an n-gram every time it occurs in a text
  std::int64_t least = 2;                     // occurrences that an n-gram needs
  std::int64_t most = std::int64_t{1} << 24;  // n-grams to keep, the most frequent
};

class Ngrams {
 public:
  // The words of an n-gram, by their number in the vocabulary, below 2^21. 0 (kUnknown) in the
  // middle means any word, at the end none.
  struct Key {
    std::int32_t first = 0, second = 0, third = 0;
  };

  Ngrams() = default;
  // From the list in a model file. Throws Error for a word number outside a vocabulary of `words`
  // words or not below 2^21, and for an n-gram that occurs twice.
  Ngrams(std::vector<Key> keys, std::int64_t words, NgramOptions options);
  // `texts` are word numbers; n-grams with kUnknown are left out. Runs on all cores; the result
  // does not depend on how many. Throws Error for word numbers not below 2^21.
  static Ngrams of_texts(const EncodedTexts& texts, NgramOptions options = {});

  std::int64_t size() const { return std::ssize(keys_); }
  const std::vector<Key>& keys() const { return keys_; }
  const NgramOptions& options() const { return options_; }
  // The n-gram as text: "not a good", or "not _ good" with any word in the middle.
  std::string text(std::int64_t number, const Vocabulary& vocabulary) const;

  // Turns texts of word numbers into texts of n-grams, with EncodedTexts::bags.
  EncodedTexts encode(const EncodedTexts& texts) const;

 private:
  void build_slots();
  std::int32_t find(std::uint64_t key) const;

  NgramOptions options_;
  std::vector<Key> keys_;  // by number
  struct Slot {
    std::uint64_t key = 0;
    std::int32_t number = 0;
  };
  std::vector<Slot> slots_ =
      std::vector<Slot>(2);  // a power of two, at most half of them taken; key 0: free
};

}  // namespace gradus::data
