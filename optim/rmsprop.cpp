#include "optim/rmsprop.h"

#include "autograd/ops.h"

namespace gradus::optim {

void RMSpropOptions::check() const {
  check_option("RMSprop", "lr", lr, 0, kInfinity);
  check_option("RMSprop", "alpha", alpha, 0, 1);
  check_option("RMSprop", "epsilon", epsilon, 0, kInfinity);
  check_option("RMSprop", "momentum", momentum, 0, kInfinity);
  check_option("RMSprop", "weight_decay", weight_decay, 0, kInfinity);
}

std::vector<std::string> RMSprop::moments(const RMSpropOptions& o) const {
  std::vector<std::string> names{"square_avg"};
  if (o.centered) names.emplace_back("grad_avg");
  if (o.momentum != 0) names.emplace_back("momentum_buffer");
  return names;
}

// v <- alpha v + (1 - alpha) g^2,  p <- p - lr g / (sqrt(v) + epsilon); centered: v less the square
// of the mean gradient, which is the variance.
Tensor RMSprop::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t,
                       const RMSpropOptions& o) const {
  if (o.weight_decay != 0) g = g + p * o.weight_decay;
  Tensor spread = moments[0] = moments[0] * o.alpha + square(g) * (1 - o.alpha);
  if (o.centered) {
    moments[1] = moments[1] * o.alpha + g * (1 - o.alpha);
    spread = maximum(spread - square(moments[1]), 0);  // rounding may take it below zero
  }
  Tensor move = g / (sqrt(spread) + o.epsilon);
  if (o.momentum != 0) move = moments.back() = moments.back() * o.momentum + move;
  return p - move * o.lr;
}

}  // namespace gradus::optim
