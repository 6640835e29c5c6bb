// A running average of the weights. During training weights jump around a good place; their average
// is nearer to its middle and often does better on new data. Polyak and Juditsky, "Acceleration of
// stochastic approximation by averaging", 1992.
//
//   optim::WeightAverage average(model.parameters(), {.decay = 0.999});
//   for (...) {
//     ...
//     optimizer.step();
//     average.update();
//   }
//   average.swap();     // the model has the averages now: evaluate it, save it
//   average.swap();     // and its own weights again: train on
#pragma once

#include <cstdint>
#include <vector>

#include "optim/optimizer.h"
#include "tensor/tensor.h"

namespace gradus::optim {

struct WeightAverageOptions {
  // The share of the average kept in an update, so it looks back about 1 / (1 - decay) steps.
  // Update t uses (1 + t) / (10 + t) if that is less, so that initial values are soon forgotten.
  double decay = 0.999;
};

class WeightAverage {
 public:
  // The average starts at the current parameters. Throws Error unless 0 <= decay < 1.
  explicit WeightAverage(const std::vector<Tensor>& parameters, WeightAverageOptions options = {});

  // average <- decay * average + (1 - decay) * parameter. Costs grow with all parameters.
  void update();
  // Exchanges the averages and the parameters.
  void swap();
  // For saving and resuming, like Optimizer's: "updates", and "3" for parameter 3. load_state()
  // throws Error, and changes nothing, unless names and shapes fit.
  Optimizer::State state() const;
  void load_state(const Optimizer::State& state);
  // In the order of the parameters.
  const std::vector<Tensor>& averages() const { return averages_; }

 private:
  std::vector<Tensor> parameters_;
  std::vector<Tensor> averages_;
  double decay_;
  std::int64_t updates_ = 0;
};

}  // namespace gradus::optim
