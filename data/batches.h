// Packed batches: texts of any length, one after another without padding, up to a budget of tokens.
//
//   EncodedTexts texts = encode(vocabulary, split.train);
//   Ahead<Batch> batches = make_batches(texts, plan_batches(texts, 8192, seed, epoch));
//   while (const std::optional<Batch> batch = batches.next()) {
//     // tokens of text i: batch->tokens[batch->offsets[i]] .. [batch->offsets[i + 1] - 1]
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "data/ahead.h"
#include "data/encode.h"

namespace gradus::data {

struct Batch {
  std::vector<std::int32_t> tokens;   // [tokens]
  std::vector<std::int32_t> offsets;  // [texts + 1], from 0 to the number of positions
  std::vector<std::int32_t> labels;   // [texts]
  std::vector<std::int64_t> index;    // [texts], the numbers of these texts
  // If positions hold bags of tokens: [positions + 1], from 0 to the number of tokens. If empty,
  // each position holds one token.
  std::vector<std::int32_t> bags;
  std::vector<std::int32_t> words;  // with bags: [positions], the word at each
};

// Decides which texts go into which batch: each text exactly once, in order, as many per batch as
// fit into `token_budget`. A longer text gets its own batch. Throws Error for a budget below 1.
std::vector<std::vector<std::int64_t>> plan_batches(const EncodedTexts& texts,
                                                    std::int64_t token_budget);
// The same, shuffled: another order for every seed and epoch.
std::vector<std::vector<std::int64_t>> plan_batches(const EncodedTexts& texts,
                                                    std::int64_t token_budget, std::uint64_t seed,
                                                    std::int64_t epoch);
Batch make_batch(const EncodedTexts& texts, std::span<const std::int64_t> members);
// The batches of a plan, prefetched (data/ahead.h). Refers to `texts`, which must outlive it.
Ahead<Batch> make_batches(const EncodedTexts& texts, std::vector<std::vector<std::int64_t>> plan);

}  // namespace gradus::data
