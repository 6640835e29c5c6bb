// Runs of words, by number: every word, pair and triple of neighbours that a set of texts has at least
// twice, exactly (nothing is hashed together). What a classifier of n-grams looks up:
//
//   auto [vocabulary, texts] = learn_vocabulary(split.train, kAllWords, 2);
//   Ngrams ngrams = Ngrams::of_texts(texts, {.longest = 3, .skips = true});
//   EncodedTexts found = ngrams.encode(texts);
//   found.ids      // n-gram numbers: at each position of a text those that begin there
//
// Numbers run from 0, the most frequent first. At position t stand the word t, the pair t, t+1, the
// triple t .. t+2, and with `skips` the pair t, t+2 whatever is between. Of an n-gram that a text has
// several times only the first is kept (but with `repeats`), and unknown ones are left out, so a position
// may have none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/encode.h"

namespace gradus::data {

struct NgramOptions {
  int longest = 3;  // words: 1, 2 or 3
  bool skips = false;
  bool repeats = false;                       // an n-gram is kept each time that a text has it
  std::int64_t least = 2;                     // times that the texts have it
  std::int64_t most = std::int64_t{1} << 24;  // n-grams, the most frequent
};

class Ngrams {
 public:
  // Words of one n-gram by their number in the vocabulary, which is below 2^21; 0 (kUnknown) in the
  // middle of three stands for any word, at the end for none.
  struct Key {
    std::int32_t first = 0, second = 0, third = 0;
  };

  Ngrams() = default;
  // From the list in a model file. Throws Error for a word number that no vocabulary of `words` words
  // has, or of 2^21 and more, and for an n-gram that comes twice.
  Ngrams(std::vector<Key> keys, std::int64_t words, NgramOptions options);
  // `texts` are word numbers; kUnknown is part of no n-gram. On all cores, the result does not depend
  // on how many. Throws Error for word numbers of 2^21 and more.
  static Ngrams of_texts(const EncodedTexts& texts, NgramOptions options = {});

  std::int64_t size() const { return std::ssize(keys_); }
  const std::vector<Key>& keys() const { return keys_; }
  const NgramOptions& options() const { return options_; }
  // "not a good", "not _ good"
  std::string text(std::int64_t number, const Vocabulary& vocabulary) const;

  // The n-grams of texts of word numbers, with EncodedTexts::bags.
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
