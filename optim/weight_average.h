// A running average of the weights. They jump about a good place while training goes on, and their
// average, nearer to its middle, often does better on new data. Polyak and Juditsky, "Acceleration
// of stochastic approximation by averaging", 1992.
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
  // How much of the average stays at an update; 1 / (1 - decay) is how many steps it looks back.
  // At update t it is (1 + t) / (10 + t) if that is less, so that first values are soon forgotten.
  double decay = 0.999;
};

class WeightAverage {
 public:
  // Begins as the parameters are. Throws Error unless 0 <= decay < 1.
  explicit WeightAverage(const std::vector<Tensor>& parameters, WeightAverageOptions options = {});

  // average <- decay * average + (1 - decay) * parameter. Costs in proportion to all parameters.
  void update();
  // Puts the averages into the parameters, and the parameters where the averages were.
  void swap();
  // For saving and going on, as Optimizer's: "updates" and, of parameter 3, "3". load_state() throws
  // Error, and changes nothing, unless names and shapes fit.
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
