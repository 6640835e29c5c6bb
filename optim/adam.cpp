#include "optim/adam.h"

#include <cmath>

#include "autograd/compute.h"
#include "autograd/ops.h"

namespace gradus::optim {

namespace {

template <class Options>
void check_adam(const char* name, const Options& o) {
  check_option(name, "lr", o.lr, 0, kInfinity);
  check_option(name, "beta1", o.beta1, 0, 1);
  check_option(name, "beta2", o.beta2, 0, 1);
  check_option(name, "epsilon", o.epsilon, 0, kInfinity);
  check_option(name, "weight_decay", o.weight_decay, 0, kInfinity);
}

template <class Options>
AdamStep step_number(std::int64_t step, const Options& o) {
  const double t = static_cast<double>(step);
  return {.lr = o.lr,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon,
          .m_correction = 1 - std::pow(o.beta1, t),
          .v_correction = 1 - std::pow(o.beta2, t)};
}

AdamStep step_of(std::int64_t step, const AdamOptions& o) {
  AdamStep s = step_number(step, o);
  s.l2 = o.weight_decay;
  return s;
}

AdamStep step_of(std::int64_t step, const AdamWOptions& o) {
  AdamStep s = step_number(step, o);
  s.shrink = 1 - o.lr * o.weight_decay;
  return s;
}

// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2. Both began at zero; dividing by
// 1 - beta^t makes up for it (section 3 of the paper): p <- p - lr m' / (sqrt(v') + epsilon).
Tensor definition(const Tensor& p, Tensor g, std::vector<Tensor>& moments, const AdamStep& s) {
  Tensor &m = moments[0], &v = moments[1];
  if (s.l2 != 0) g = g + p * s.l2;
  m = m * s.beta1 + g * (1 - s.beta1);
  v = v * s.beta2 + square(g) * (1 - s.beta2);
  const Tensor root = sqrt(v) / std::sqrt(s.v_correction) + s.epsilon;
  return p * s.shrink - m / root * (s.lr / s.m_correction);
}

// The backend's kernel for it, if it has one.
bool fused_step(const Tensor& p, const Gradient& g, const std::vector<Tensor>& moments,
                const Tensor& row_scale, AdamStep s) {
  if (!p.layout().is_contiguous()) return false;
  const Tensor scale = row_scale.defined() ? compute::contiguous(row_scale) : row_scale;
  s.row_scale = compute::view_of(scale);
  return p.backend().adam(s, compute::view_of(g.rows()), compute::contiguous(g.values()).view(),
                          p.view(), moments[0].view(), moments[1].view());
}

}  // namespace

void AdamOptions::check() const { check_adam("Adam", *this); }
void AdamWOptions::check() const { check_adam("AdamW", *this); }

Tensor Adam::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                    const AdamOptions& o) const {
  return definition(p, std::move(g), moments, step_of(step, o));
}
bool Adam::update_in_place(const Tensor& p, const Gradient& g, const Moments& moments,
                           std::int64_t step, const Tensor& row_scale, const AdamOptions& o) const {
  return fused_step(p, g, moments, row_scale, step_of(step, o));
}

Tensor AdamW::update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                     const AdamWOptions& o) const {
  return definition(p, std::move(g), moments, step_of(step, o));
}
bool AdamW::update_in_place(const Tensor& p, const Gradient& g, const Moments& moments,
                            std::int64_t step, const Tensor& row_scale,
                            const AdamWOptions& o) const {
  return fused_step(p, g, moments, row_scale, step_of(step, o));
}

}  // namespace gradus::optim
