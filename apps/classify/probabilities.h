// What a classifier says of many texts, batch by batch.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "apps/classify/model.h"
#include "data/encode.h"

namespace gradus::classify {

// Logits [texts, classes], flat, in the order of the texts. The model is left in eval mode.
std::vector<float> logits(Classifier& model, const data::EncodedTexts& texts,
                          std::int64_t batch_tokens = 4096);
// softmax(logits / model.temperature), likewise.
std::vector<float> probabilities(Classifier& model, const data::EncodedTexts& texts,
                                 std::int64_t batch_tokens = 4096);
// The same of logits that are known already. Both check_finite.
std::vector<float> probabilities(const Classifier& model, const std::vector<float>& logits);

[[noreturn]] void fail_not_finite();
// Throws Error unless all numbers that a model gave are finite.
template <class Numbers>
void check_finite(const Numbers& numbers) {
  if (!std::ranges::all_of(numbers, [](auto x) { return std::isfinite(x); })) fail_not_finite();
}

}  // namespace gradus::classify
