// Classes that a split leaves without texts to learn from, or to be measured on: a person should hear of
// them, and what cannot be learned must not decide which epoch was best.
#pragma once

#include <string>
#include <vector>

#include "data/split.h"

namespace gradus::classify {

// Takes the texts of classes that no text to learn from has out of those held out. Returns sentences
// about these and other classes with few texts. Throws Error where nothing is left held out.
std::vector<std::string> close_gaps(data::Split& split, const std::vector<std::string>& labels);

}  // namespace gradus::classify
