// What is left to the amount of text: where there is little, what takes longer and is more accurate costs
// seconds, and a few passes are too few steps to learn anything. Measured in docs/accuracy.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "apps/classify/commands.h"
#include "data/dataset.h"

namespace gradus::classify {

inline constexpr std::size_t kLittleText = 10'000'000;  // bytes, at most
inline constexpr std::int64_t kEpochsLittle = 4;        // of the encoders of n-grams
inline constexpr std::int64_t kLeastSteps = 400;        // of a training, about

// An option that does not go with the encoder, and why.
struct Misfit {
  std::string option, why;
};
std::optional<Misfit> misfit(const TrainOptions& options);

// The options with the encoder and the epochs that were left open (encoder_by_size, epochs 0), and without
// the pieces that were to be left out. Throws Error for a misfit with an encoder that was chosen here.
TrainOptions suited(TrainOptions options, const data::Dataset& dataset);

}  // namespace gradus::classify
