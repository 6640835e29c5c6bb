// From the data that a user names to a model that is ready to learn.
#pragma once

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "data/split.h"

namespace gradus::classify {

// Read and clean; says what it found unless options.quiet.
data::Dataset read_clean(const TrainOptions& options);

struct Prepared {
  SavedModel saved;  // the model has its first values
  data::EncodedTexts texts, held_out;
};
// Learns vocabulary, n-grams and word vectors from split.train, as the encoder needs them. Throws Error
// where there is nothing to learn.
Prepared prepare(const TrainOptions& options, const data::Split& split,
                 const std::vector<std::string>& labels);

}  // namespace gradus::classify
