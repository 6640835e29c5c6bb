#include "optim/saved_state.h"

#include <fmt/format.h>

#include <cmath>

#include "tensor/error.h"

namespace gradus::optim {

SavedState::SavedState(const std::vector<std::pair<std::string, Tensor>>& state) {
  for (const auto& [name, x] : state) {
    if (left_.emplace(name, x).second) continue;
    throw Error(fmt::format("[load_state] {} is there twice", name));
  }
}

Tensor SavedState::take(const std::string& name, const Shape& shape) {
  const auto at = left_.find(name);
  if (at == left_.end() || !at->second.defined() || at->second.shape() != shape) {
    throw Error(fmt::format("[load_state] {} should be {}, found {}", name, to_string(shape),
                            at == left_.end() ? "nothing" : describe(at->second)));
  }
  const Tensor found = at->second;
  left_.erase(at);
  return found;
}

std::int64_t SavedState::take_count(const std::string& name, std::int64_t least) {
  const double count = take(name, {}).item();
  if (!(count >= static_cast<double>(least) && count < 0x1p53 && count == std::floor(count))) {
    throw Error(fmt::format("[load_state] {} is {}: a count must be a whole number of at least {}",
                            name, count, least));
  }
  return static_cast<std::int64_t>(count);
}

void SavedState::check_empty(std::string_view owner) const {
  if (left_.empty()) return;
  throw Error(fmt::format("[load_state] there is no {} in this {}", left_.begin()->first, owner));
}

}  // namespace gradus::optim
