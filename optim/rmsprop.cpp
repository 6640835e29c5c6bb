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
  const auto mean = [&](const Tensor& before, const Tensor& now) {
    return before * o.alpha + now * (1 - o.alpha);
  };
  moments[0] = mean(moments[0], square(g));
  if (o.centered) moments[1] = mean(moments[1], g);
  const Tensor spread = !o.centered ? moments[0]  // rounding may take a variance below zero
                                    : maximum(moments[0] - square(moments[1]), 0);
  const Tensor move = g / (sqrt(spread) + o.epsilon);
  if (o.momentum == 0) return p - move * o.lr;
  Tensor& velocity = moments.back();
  velocity = velocity * o.momentum + move;
  return p - velocity * o.lr;
}

}  // namespace gradus::optim
