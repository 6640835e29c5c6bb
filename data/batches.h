// Packed batches: texts of any length, one behind another without padding, up to a budget of
// tokens.
//
//   EncodedTexts texts = encode(vocabulary, split.train);
//   for (const auto& members : plan_batches(texts, 8192, seed, epoch)) {
//     Batch batch = make_batch(texts, members);
//     // tokens of text i: batch.tokens[batch.offsets[i]] .. batch.tokens[batch.offsets[i + 1] - 1]
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/vocabulary.h"

namespace gradus::data {

// Many texts as word numbers, in one array.
struct EncodedTexts {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> offsets{0};  // [texts + 1]
  std::vector<std::int32_t> labels;      // [texts]

  std::int64_t size() const { return std::ssize(labels); }
  std::span<const std::int32_t> operator[](std::int64_t i) const;
};

// On all cores. A text without a token becomes one <unk>, so that no text is empty. Of a text with
// more than `max_tokens` the first that many are kept; 0 keeps all.
EncodedTexts encode(const Vocabulary& vocabulary, std::span<const Text> texts,
                    std::int64_t max_tokens = 0);

struct Batch {
  std::vector<std::int32_t> tokens;   // [tokens]
  std::vector<std::int32_t> offsets;  // [texts + 1], from 0 to the number of tokens
  std::vector<std::int32_t> labels;   // [texts]
  std::vector<std::int64_t> index;    // [texts], which texts these are
};

// Which texts go into which batch: each text exactly once, as many texts a batch as fit into
// `token_budget`; a longer text gets a batch of its own. Texts in their order:
std::vector<std::vector<std::int64_t>> plan_batches(const EncodedTexts& texts,
                                                    std::int64_t token_budget);
// The same, shuffled: another order for every seed and epoch. Both throw Error for a budget
// below 1.
std::vector<std::vector<std::int64_t>> plan_batches(const EncodedTexts& texts,
                                                    std::int64_t token_budget, std::uint64_t seed,
                                                    std::int64_t epoch);
Batch make_batch(const EncodedTexts& texts, std::span<const std::int64_t> members);

}  // namespace gradus::data
