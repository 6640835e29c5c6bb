#include "optim/weight_average.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/ops.h"
#include "tensor/error.h"

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
  const std::map<std::string, Tensor> found(state.begin(), state.end());
  const auto take = [&](const std::string& name, const Shape& shape) {
    const auto at = found.find(name);
    if (at == found.end() || at->second.shape() != shape) {
      throw Error(fmt::format("[load_state] {} should be {}, found {}", name, to_string(shape),
                              at == found.end() ? "nothing" : describe(at->second)));
    }
    return at->second;
  };
  if (found.size() != averages_.size() + 1) {
    throw Error(fmt::format("[load_state] {} tensors are no state of an average of {}",
                            found.size(), averages_.size()));
  }
  const double updates = take("updates", {}).item();
  std::vector<Tensor> averages;
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const Tensor saved = take(std::to_string(i), averages_[i].shape());
    averages.push_back(to(compute::copy(saved), averages_[i].options()));
  }
  averages_ = std::move(averages);
  updates_ = static_cast<std::int64_t>(updates);
}

}  // namespace gradus::optim
