// `gradus explain` for the ngram encoder, whose logits are sums: what each n-gram of a text adds to each.
// Of wide-deep the second branch adds a line of its own.
#pragma once

#include <string>
#include <vector>

#include "apps/classify/explain.h"
#include "apps/classify/model_file.h"

namespace gradus::classify {

// `text` is clean. Prints the n-grams that add most, the sum of the others, the base that every text has,
// and their sum: the logits.
void explain_ngrams(const SavedModel& saved, const std::string& text, bool json);

// telling_parts (explain.h): by what each n-gram adds to the logit of `one` above that of `other`, where
// that is more than nothing.
std::vector<Part> telling_ngrams(const SavedModel& saved, const std::string& text, std::size_t one,
                                 std::size_t other, std::size_t most);

}  // namespace gradus::classify
