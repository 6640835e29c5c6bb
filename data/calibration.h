// Whether probabilities mean what they say: of the texts given 0.8, eight in ten should be right. A
// trained classifier is mostly too sure of itself; dividing its logits by one number, fitted on texts held
// out, mends that and changes no prediction. Guo et al., "On calibration of modern neural networks",
// ICML 2017, sections 2 and 4.2.
//
//   double t = fit_temperature(logits, labels, 2);        // logits [texts, 2], flat
//   probabilities = softmax(logits / t)
#pragma once

#include <cstdint>
#include <span>

namespace gradus::data {

// Throws ShapeError where `values` are not `classes` numbers a text, IndexError for a label that is no
// class, Error for a number that is not finite, each naming `op`.
void check_texts(const char* op, std::span<const float> values,
                 std::span<const std::int32_t> labels, std::int64_t classes);

// The temperature in [0.05, 20] with the least log loss, were one of n + 2 labels wrong; 1 without
// texts. Throws as check_texts() does.
double fit_temperature(std::span<const float> logits, std::span<const std::int32_t> labels,
                       std::int64_t classes);

// The expected calibration error: the mean over the texts of |accuracy - confidence| of the bin that a
// text's confidence, the probability of its likeliest class, falls into; 15 bins of equal width. In
// [0, 1]; 0 without texts. Throws as check_texts() does.
double calibration_error(std::span<const float> probabilities, std::span<const std::int32_t> labels,
                         std::int64_t classes);

}  // namespace gradus::data
