// From the data that a user names to a model that is ready to learn.
#pragma once

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "data/split.h"

namespace gradus::classify {

// Read and clean; says what it found unless options.quiet.
data::Dataset read_clean(const TrainOptions& options);

// Those of options.unlabelled; none where that is empty. Says how many unless options.quiet.
std::vector<data::Text> read_more(const TrainOptions& options);

struct Prepared {
  SavedModel saved;  // the model has its first values
  data::EncodedTexts texts, held_out;
  data::EncodedTexts all;  // `texts`, then the unlabelled ones; empty where there are none
  Tensor vectors;          // of words, for the deep branch; undefined without one
};
// Learns vocabulary, n-grams and word vectors from split.train and the unlabelled texts, as the encoder
// needs them. Throws Error where there is nothing to learn.
Prepared prepare(const TrainOptions& options, const data::Split& split,
                 const std::vector<data::Text>& unlabelled, const std::vector<std::string>& labels);

}  // namespace gradus::classify
