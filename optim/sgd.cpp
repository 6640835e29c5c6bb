#include "optim/sgd.h"

#include "autograd/fused.h"
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
  if (o.weight_decay != 0) g = fused([&] { return g + p * o.weight_decay; });
  if (o.momentum == 0) return fused([&] { return p - g * o.lr; });
  Tensor& velocity = moments[0];
  velocity = fused([&] { return velocity * o.momentum + g; });
  return fused([&] { return p - (o.nesterov ? g + velocity * o.momentum : velocity) * o.lr; });
}

// Without momentum the step is one pass over p, in its own memory.
bool SGD::update_in_place(const Tensor& p, const Gradient& g, const Moments& moments,
                          std::int64_t step, const Tensor& row_scale, const SGDOptions& o) const {
  if (g.is_sparse() || row_scale.defined() || !moments.empty()) return false;
  Moments none;
  assign_fused(p, [&] { return update(p, g.values(), none, step, o); });
  return true;
}

}  // namespace gradus::optim
