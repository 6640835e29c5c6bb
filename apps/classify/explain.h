// What in a text speaks for a class, for people: by the n-gram encoder's sums (explain_ngrams.h), else by
// the weights of attention.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/classify/model_file.h"

namespace gradus::classify {

struct Part {
  std::string words;      // one, or an n-gram, as the model reads it
  std::size_t begin = 0;  // byte of the text where they stand
};

// The parts of a clean text that speak most for class `one` against class `other`, the strongest first,
// at most `most`. Attention's weights are for no class in particular: of encoders without n-grams it is
// the words that weigh most.
std::vector<Part> telling_parts(const SavedModel& saved, const std::string& text, std::size_t one,
                                std::size_t other, std::size_t most);

}  // namespace gradus::classify
