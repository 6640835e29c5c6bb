// Training: AdamW with a learning rate that warms up and then falls linearly. The listener is told
// which epoch has the best held-out loss; saving that one is the listener's job.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "apps/classify/model.h"
#include "apps/classify/progress_bar.h"
#include "data/batches.h"
#include "data/metrics.h"

namespace gradus::classify {

struct TrainSettings {
  std::int64_t epochs = 2;        // TrainOptions: 0 leaves them to suited()
  std::int64_t batch_tokens = 0;  // 0: as step_tokens() says
  double lr = 1e-3;
  std::uint64_t seed = 1;
  bool balance = false;       // each class counts alike, however many texts it has
  std::int64_t patience = 0;  // epochs without a better held-out loss that end training; 0: none do
};
// What suits an encoder.
TrainSettings settings_of(EncoderKind kind);
// Tokens in a step, about, with so many in so many texts: settings.batch_tokens, or as many as 64 texts
// have on average, up to most_tokens().
std::int64_t step_tokens(EncoderKind kind, const TrainSettings& settings, std::int64_t tokens,
                         std::int64_t texts);
std::int64_t most_tokens(EncoderKind kind);

struct StepReport {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  double done = 0;  // of the whole training, in [0, 1]
  double loss = 0;  // of what the model says, like the held-out loss: not the branches' own losses
  double lr = 0;
  std::int64_t tokens = 0;
  double tokens_per_second = 0;
  std::size_t peak_bytes = 0;  // the most memory in use at once in this step, where it is counted
};

// Called as training goes; either may be empty.
struct Listeners {
  std::function<void(const StepReport&)> step;
  // After each epoch. `row.best` says that the model, as it is now, is the best so far: save it.
  std::function<void(const EpochRow&, const data::Metrics&)> epoch;
};

enum class Outcome { finished, interrupted };

// Trains in place and after each epoch fits the temperature on the texts held out; the model is
// left as the last step made it. What is learned are the targets, probabilities [texts, classes],
// flat; without any, the labels. Returns early after Ctrl-C. Throws Error if the loss is no longer
// a number, naming the operation that made the first NaN.
Outcome train(Classifier& model, const std::vector<std::string>& labels,
              const data::EncodedTexts& texts, std::span<const float> targets,
              const data::EncodedTexts& held_out, const TrainSettings& settings,
              const Listeners& listeners);

// Fits the model's temperature on the texts held out and measures it there.
data::Metrics calibrate(Classifier& model, const std::vector<std::string>& labels,
                        const data::EncodedTexts& held_out);

}  // namespace gradus::classify
