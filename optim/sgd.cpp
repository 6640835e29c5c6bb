#include "optim/sgd.h"

#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus::optim {

void SGDOptions::check() const {
  check_option("SGD", "lr", lr, 0, kInfinity);
  check_option("SGD", "momentum", momentum, 0, kInfinity);
  check_option("SGD", "weight_decay", weight_decay, 0, kInfinity);
  if (nesterov && momentum == 0) throw Error("[SGD] Nesterov's momentum needs a momentum above 0");
}

std::vector<std::string> SGD::moments(const SGDOptions& o) const {
  if (o.momentum == 0) return {};
  return {"momentum_buffer"};
}

// v <- momentum v + g,  p <- p - lr v;  Nesterov: p <- p - lr (g + momentum v)
Tensor SGD::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t,
                   const SGDOptions& o) const {
  if (o.weight_decay != 0) g = g + p * o.weight_decay;
  if (o.momentum == 0) return p - g * o.lr;
  Tensor& velocity = moments[0];
  velocity = velocity * o.momentum + g;
  return p - (o.nesterov ? g + velocity * o.momentum : velocity) * o.lr;
}

}  // namespace gradus::optim
