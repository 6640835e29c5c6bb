// What is left to the amount of text: where there is little, what takes longer and is more accurate costs
// seconds. Measured in docs/accuracy.md.
#pragma once

#include "apps/classify/commands.h"
#include "data/dataset.h"

namespace gradus::classify {

// The options with the encoder and the epochs that were left open (encoder_by_size, epochs 0).
TrainOptions suited(TrainOptions options, const data::Dataset& dataset);

}  // namespace gradus::classify
