#include "nn/activations.h"

#include "nn/check.h"

namespace gradus::nn {

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0 && p < 1)) {
    throw Error(fmt::format("[Dropout] the probability {} is not in [0, 1)", p));
  }
}

std::string Dropout::detail() const { return fmt::format("p = {}", p_); }

}  // namespace gradus::nn
