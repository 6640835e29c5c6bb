// How much a token says about a text's class: the naive Bayes log-count ratio. If token i occurs in
// n texts of class c and in m other texts,
//
//   r_ic = log((n + 1) / (the sum of n + 1 over all tokens)) - the same with m
//
// Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic classification", ACL
// 2012, section 2.1 (there for two classes, where |r| is the same for both).
#pragma once

#include <cstdint>
#include <vector>

#include "data/encode.h"

namespace gradus::data {

// The largest |r| over the classes, for each of `tokens` tokens. A token counts once per text. Time
// and memory grow with the texts, not with tokens times classes.
std::vector<float> class_ratios(const EncodedTexts& texts, std::int64_t tokens,
                                std::int64_t classes);

}  // namespace gradus::data
