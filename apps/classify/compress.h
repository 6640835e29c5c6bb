// A model file made smaller: fewer n-grams, and numbers of half the bytes.
#pragma once

#include <cstdint>

#include "apps/classify/model_file.h"

namespace gradus::classify {

// Keeps the `count` n-grams, 1 to all, that matter most: those whose absence would change the logits
// least, in the mean square over texts, go. N-gram i, of rank i by frequency, adds at most W row_i to the
// logits, of which softmax sees what differs between classes, and stands in about one of i texts
// (Zipf, "Human behavior and the principle of least effort", 1949):
//
//   importance_i = |W row_i - its mean over the classes|^2 / i
//
// The model's held-out metrics go, too: they are of the whole model. Throws Error for a model that reads
// no n-grams.
void prune(SavedModel& saved, std::int64_t count);

}  // namespace gradus::classify
