// Calibration: of the texts predicted with probability 0.8, eight in ten should be right. Trained
// classifiers are mostly overconfident. Dividing the logits by one number, the temperature, fitted
// on held-out texts, corrects that without changing any prediction. Guo et al., "On calibration of
// modern neural networks", ICML 2017, sections 2 and 4.2.
//
//   double t = fit_temperature(logits, labels, 2);        // logits [texts, 2], flat
//   probabilities = softmax(logits / t)
#pragma once

#include <cstdint>
#include <span>

namespace gradus::data {

// Throws ShapeError unless `values` are `classes` numbers per text, IndexError for a label outside
// [0, classes), Error for a number that is not finite, each naming `op`.
void check_texts(const char* op, std::span<const float> values,
                 std::span<const std::int32_t> labels, std::int64_t classes);

// The temperature in [0.05, 20] with the lowest log loss, assuming that one of n + 2 labels is
// wrong; 1 without texts. Throws as check_texts() does.
double fit_temperature(std::span<const float> logits, std::span<const std::int32_t> labels,
                       std::int64_t classes);

// The expected calibration error. Texts fall into 15 bins of equal width by confidence, the
// probability of their most likely class; the error is the mean over texts of their bin's |accuracy
// - confidence|. In [0, 1]; 0 without texts. Throws as check_texts() does.
double calibration_error(std::span<const float> probabilities, std::span<const std::int32_t> labels,
                         std::int64_t classes);

}  // namespace gradus::data
