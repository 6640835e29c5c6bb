#include "optim/adagrad.h"

#include "autograd/ops.h"

namespace gradus::optim {

void AdagradOptions::check() const {
  check_option("Adagrad", "lr", lr, 0, kInfinity);
  check_option("Adagrad", "lr_decay", lr_decay, 0, kInfinity);
  check_option("Adagrad", "weight_decay", weight_decay, 0, kInfinity);
  check_option("Adagrad", "epsilon", epsilon, 0, kInfinity);
}

// s <- s + g^2,  p <- p - lr g / (sqrt(s) + epsilon)
Tensor Adagrad::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                       const AdagradOptions& o) const {
  if (o.weight_decay != 0) g = g + p * o.weight_decay;
  Tensor& total = moments[0];
  total = total + square(g);
  const double lr = o.lr / (1 + static_cast<double>(step - 1) * o.lr_decay);
  return p - g / (sqrt(total) + o.epsilon) * lr;
}

}  // namespace gradus::optim
