#include "optim/weight_average.h"

#include <algorithm>
#include <string>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/ops.h"
#include "optim/saved_state.h"

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

Optimizer::State WeightAverage::state() const {
  Optimizer::State state{
      {"updates", full({}, static_cast<double>(updates_), {.dtype = DType::i32})}};
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    state.emplace_back(std::to_string(i), compute::copy(averages_[i]));
  }
  return state;
}

void WeightAverage::load_state(const Optimizer::State& state) {
  SavedState saved(state);
  const std::int64_t updates = saved.take_count("updates", 0);
  std::vector<Tensor> averages;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const Tensor average = saved.take(std::to_string(i), averages_[i].shape());
    averages.push_back(to(compute::copy(average), averages_[i].options()));
  }
  saved.check_empty("average");
  averages_ = std::move(averages);
  updates_ = updates;
}

}  // namespace gradus::optim
