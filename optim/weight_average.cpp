#include "optim/weight_average.h"

#include <algorithm>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/ops.h"
#include "optim/optimizer.h"

namespace gradus::optim {

WeightAverage::WeightAverage(const std::vector<Tensor>& parameters, WeightAverageOptions options)
    : parameters_(parameters), decay_(options.decay) {
  check_option("WeightAverage", "decay", decay_, 0, 1);
  for (const Tensor& p : parameters_) averages_.push_back(compute::copy(p));
}

void WeightAverage::update() {
  NoGrad off;
  const auto t = static_cast<double>(++updates_);
  const double decay = std::min(decay_, (1 + t) / (10 + t));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    averages_[i] = averages_[i] * decay + parameters_[i] * (1 - decay);
  }
}

void WeightAverage::swap() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor own = compute::copy(parameters_[i]);
    parameters_[i].assign(averages_[i]);
    averages_[i] = own;
  }
}

}  // namespace gradus::optim
