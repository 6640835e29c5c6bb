#include "optim/adam.h"

#include <cmath>
#include <limits>

#include "autograd/ops.h"

namespace gradus::optim {

namespace {

template <class Options>
void check_adam(const char* name, const Options& o) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check_option(name, "lr", o.lr, 0, kInfinity);
  check_option(name, "beta1", o.beta1, 0, 1);
  check_option(name, "beta2", o.beta2, 0, 1);
  check_option(name, "epsilon", o.epsilon, 0, kInfinity);
  check_option(name, "weight_decay", o.weight_decay, 0, kInfinity);
}

// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2. Both began at zero; dividing by
// 1 - beta^t makes up for it (section 3 of the paper): p <- p - lr m' / (sqrt(v') + epsilon).
template <class Options>
Tensor adam(const Tensor& p, const Tensor& g, std::vector<Tensor>& moments, std::int64_t step,
            const Options& o) {
  Tensor &m = moments[0], &v = moments[1];
  m = m * o.beta1 + g * (1 - o.beta1);
  v = v * o.beta2 + square(g) * (1 - o.beta2);
  const double t = static_cast<double>(step);
  const double m_correction = 1 - std::pow(o.beta1, t);
  const double v_correction = 1 - std::pow(o.beta2, t);
  return p - m / (sqrt(v) / std::sqrt(v_correction) + o.epsilon) * (o.lr / m_correction);
}

}  // namespace

void AdamOptions::check() const { check_adam("Adam", *this); }
void AdamWOptions::check() const { check_adam("AdamW", *this); }

Tensor Adam::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                    const AdamOptions& o) const {
  if (o.weight_decay != 0) g = g + p * o.weight_decay;
  return adam(p, g, moments, step, o);
}

Tensor AdamW::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                     const AdamWOptions& o) const {
  return adam(p * (1 - o.lr * o.weight_decay), g, moments, step, o);
}

}  // namespace gradus::optim
