#include "optim/lion.h"

#include "autograd/ops.h"

namespace gradus::optim {

void LionOptions::check() const {
  check_option("Lion", "lr", lr, 0, kInfinity);
  check_option("Lion", "beta1", beta1, 0, 1);
  check_option("Lion", "beta2", beta2, 0, 1);
  check_option("Lion", "weight_decay", weight_decay, 0, kInfinity);
}

// p <- p - lr (sign(beta1 m + (1 - beta1) g) + weight_decay p),  m <- beta2 m + (1 - beta2) g
Tensor Lion::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t,
                    const LionOptions& o) const {
  Tensor& m = moments[0];
  const Tensor move = sign(m * o.beta1 + g * (1 - o.beta1));
  m = m * o.beta2 + g * (1 - o.beta2);
  return p - (move + p * o.weight_decay) * o.lr;
}

}  // namespace gradus::optim
