#include "optim/lamb.h"

#include <cmath>

#include "autograd/ops.h"

namespace gradus::optim {

void LambOptions::check() const {
  check_option("Lamb", "lr", lr, 0, kInfinity);
  check_option("Lamb", "beta1", beta1, 0, 1);
  check_option("Lamb", "beta2", beta2, 0, 1);
  check_option("Lamb", "epsilon", epsilon, 0, kInfinity);
  check_option("Lamb", "weight_decay", weight_decay, 0, kInfinity);
}

// u = m' / (sqrt(v') + epsilon) + weight_decay p, with Adam's m' and v' (optim/adam.cpp);
// p <- p - lr |p| / |u| u, where a length of 0 counts as a ratio of 1.
Tensor Lamb::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                    const LambOptions& o) const {
  Tensor &m = moments[0], &v = moments[1];
  m = m * o.beta1 + g * (1 - o.beta1);
  v = v * o.beta2 + square(g) * (1 - o.beta2);
  const auto t = static_cast<double>(step);
  const Tensor mean = m / (1 - std::pow(o.beta1, t)), spread = v / (1 - std::pow(o.beta2, t));
  const Tensor u = mean / (sqrt(spread) + o.epsilon) + p * o.weight_decay;
  const Tensor of_p = norm(p), of_u = norm(u);
  return p - where(of_p * of_u > 0, of_p / of_u, 1) * u * o.lr;
}

}  // namespace gradus::optim
