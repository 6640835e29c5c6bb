// The texts that a model is most wrong about. Where it is sure and the label says otherwise, the label is
// often what is wrong: reading these first is how one finds the noise in a data set.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "apps/classify/explain.h"
#include "apps/classify/model_file.h"
#include "data/dataset.h"

namespace gradus::classify {

struct WrongText {
  std::string text;
  std::size_t label = 0, predicted = 0;  // classes
  double probability = 0;                // of the class predicted
  double loss = 0;                       // -ln p(label)
  std::vector<Part> telling;             // what speaks for the class predicted
};

// At most `most`, the highest loss first. `texts` are clean, labelled with the model's classes;
// `probabilities` are [texts, classes].
std::vector<WrongText> wrong_texts(const SavedModel& saved, std::span<const data::Text> texts,
                                   std::span<const float> probabilities, std::int64_t most);
// Three lines a text, of at most 100 columns.
std::string to_text(const std::vector<WrongText>& wrong, const std::vector<std::string>& labels);
// A list of objects, with the whole texts.
nlohmann::ordered_json to_json(const std::vector<WrongText>& wrong,
                               const std::vector<std::string>& labels);

}  // namespace gradus::classify
