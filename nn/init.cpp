#include "nn/init.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "nn/module.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus::nn::init {

namespace {

thread_local bool skipping = false;

struct Fans {
  double in, out;
};

Fans fans(const Tensor& weight) {
  if (weight.rank() < 2) {
    throw ShapeError(
        fmt::format("[init] a weight needs at least two axes, [out, in, ...], got {}; use uniform "
                    "or normal",
                    to_string(weight.shape())));
  }
  double each = 1;
  for (int axis = 2; axis < weight.rank(); ++axis) each *= static_cast<double>(weight.size(axis));
  return {static_cast<double>(weight.size(1)) * each, static_cast<double>(weight.size(0)) * each};
}

// A uniform distribution on [-b, b) has variance b^2 / 3.
void uniform_of(Tensor weight, double variance) {
  const double bound = std::sqrt(3 * variance);
  uniform(weight, -bound, bound);
}

double xavier_variance(const Tensor& weight, double gain) {
  const Fans fan = fans(weight);
  return 2 * gain * gain / (fan.in + fan.out);
}

double kaiming_variance(const Tensor& weight, double slope) {
  return 2 / ((1 + slope * slope) * fans(weight).in);
}

}  // namespace

Skip::Skip() : before_(std::exchange(skipping, true)) {}
Skip::~Skip() { skipping = before_; }

void constant(Tensor parameter, double value) {
  if (skipping) return;
  parameter.assign(full(parameter.shape(), value, parameter.options()));
}
void zeros(Tensor parameter) { constant(parameter, 0); }
void ones(Tensor parameter) { constant(parameter, 1); }

void uniform(Tensor parameter, double low, double high) {
  if (skipping) return;
  parameter.assign(gradus::uniform(parameter.shape(), low, high, parameter.options()));
}

void normal(Tensor parameter, double mean, double deviation) {
  if (skipping) return;
  parameter.assign(gradus::normal(parameter.shape(), mean, deviation, parameter.options()));
}

Tensor normal_parameter(const Shape& shape, double mean, double deviation) {
  return parameter(skipping ? empty(shape) : gradus::normal(shape, mean, deviation));
}

void xavier_uniform(Tensor weight, double gain) {
  uniform_of(weight, xavier_variance(weight, gain));
}
void xavier_normal(Tensor weight, double gain) {
  normal(weight, 0, std::sqrt(xavier_variance(weight, gain)));
}
void kaiming_uniform(Tensor weight, double slope) {
  uniform_of(weight, kaiming_variance(weight, slope));
}
void kaiming_normal(Tensor weight, double slope) {
  normal(weight, 0, std::sqrt(kaiming_variance(weight, slope)));
}

}  // namespace gradus::nn::init
