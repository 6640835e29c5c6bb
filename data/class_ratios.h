// How much a token says of a text's class: the naive-Bayes log-count ratio. For class c, with n the
// number of texts of the class that have token i and m that of the other texts,
//
//   r_ic = log((n + 1) / (the sum of n + 1 over all tokens)) - the same of m
//
// Wang and Manning, "Baselines and bigrams: simple, good sentiment and topic classification", ACL 2012,
// section 2.1 (there for two classes, where |r| is the same for both).
#pragma once

#include <cstdint>
#include <vector>

#include "data/encode.h"

namespace gradus::data {

// For each of `tokens` the largest |r| over the classes. A token counts once a text. Work and memory
// grow with the texts, not with tokens times classes.
std::vector<float> class_ratios(const EncodedTexts& texts, std::int64_t tokens,
                                std::int64_t classes);

}  // namespace gradus::data
