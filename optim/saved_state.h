// For load_state(): takes tensors out of a saved state by name, each once, and checks their shapes.
//
//   SavedState saved(state);
//   const std::int64_t steps = saved.take_count("0.step", 1);
//   const Tensor moment = saved.take("0.exp_avg", parameter.shape());
//   saved.check_empty("optimizer");
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace gradus::optim {

class SavedState {
 public:
  // Throws Error for a name that occurs twice. All functions below throw Error if something does
  // not fit.
  explicit SavedState(const std::vector<std::pair<std::string, Tensor>>& state);

  bool contains(const std::string& name) const { return left_.contains(name); }
  Tensor take(const std::string& name, const Shape& shape);
  // An integer of at least `least`.
  std::int64_t take_count(const std::string& name, std::int64_t least);
  // Throws Error, naming `owner`, if a tensor is left that it does not know.
  void check_empty(std::string_view owner) const;

 private:
  std::map<std::string, Tensor> left_;
};

}  // namespace gradus::optim
