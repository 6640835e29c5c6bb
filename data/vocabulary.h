// The words that a model knows, by number. 0 is <unk>, which stands for all unknown words; the
// others follow from 1, the most frequent first. There is no padding: batches are packed.
//
//   Vocabulary vocabulary = Vocabulary::of_texts(texts, 20000);
//   std::vector<std::int32_t> ids = vocabulary.encode(split_words("A fine film"));
//   vocabulary.word(ids[0]);     // "a"
//   Vocabulary same(vocabulary.words());      // from the list in a model file
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/word_table.h"
#include "data/words.h"

namespace gradus::data {

inline constexpr std::int32_t kUnknown = 0;
inline constexpr std::string_view kUnknownWord = "<unk>";

class Vocabulary {
 public:
  // Only <unk>.
  Vocabulary() : Vocabulary(std::vector<std::string>{std::string(kUnknownWord)}) {}
  // Word i of the list gets number i. Throws Error unless the first is <unk> and all differ.
  explicit Vocabulary(std::vector<std::string> words);

  // <unk> and the `count` most frequent words of the texts; of equally frequent words, the one that
  // sorts first. Words that occur fewer than `min_count` times or are longer than 100 bytes are
  // left out. Runs on all cores; the result depends neither on how many nor on the order of the
  // texts. learn_vocabulary (data/encode.h) also encodes the texts, in the same pass.
  static Vocabulary of_texts(std::span<const Text> texts, std::int64_t count,
                             std::int64_t min_count = 1);

  // Includes <unk>.
  std::int32_t size() const { return static_cast<std::int32_t>(words_.size()); }
  const std::vector<std::string>& words() const { return words_; }
  // Throws IndexError outside [0, size).
  const std::string& word(std::int32_t id) const;
  // kUnknown for an unknown word.
  std::int32_t id(std::string_view word) const;

  // One number per token.
  std::vector<std::int32_t> encode(const Words& words) const;
  // The same, appended to `ids`.
  void encode(const Words& words, std::vector<std::int32_t>& ids) const;

 private:
  std::vector<std::string> words_;
  WordTable ids_;
};

}  // namespace gradus::data
