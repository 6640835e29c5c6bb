// `gradus explain` for the ngram encoder, whose logits are sums: what each n-gram of a text adds to each.
// Of wide-deep the second branch adds a line of its own.
#pragma once

#include <string>

#include "apps/classify/model_file.h"

namespace gradus::classify {

// `text` is clean. Prints the n-grams that add most, the sum of the others, the base that every text has,
// and their sum: the logits.
void explain_ngrams(const SavedModel& saved, const std::string& text, bool json);

}  // namespace gradus::classify
