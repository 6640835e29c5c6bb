// Activations and their gradients, for the files that Highway compiles once for each kind of CPU.
// gradient(d, known, g) = g * f'(x), known being y = f(x) where y tells the slope, else x.
//
// No #pragma once: Highway includes this again for each target.
#if defined(GRADUS_SIMD_ACTIVATIONS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SIMD_ACTIVATIONS_INL_H
#undef GRADUS_SIMD_ACTIVATIONS_INL_H
#else
#define GRADUS_SIMD_ACTIVATIONS_INL_H
#endif

#include <hwy/highway.h>

#include "backends/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

struct Identity {
  template <class D, class V>
  static HWY_INLINE V value(D, V x) {
    return x;
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D, V, V g) {
    return g;
  }
};
struct Relu {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return hn::IfThenElseZero(hn::Not(hn::Lt(x, hn::Zero(d))), x);  // keeps NaN
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V y, V g) {
    // y is 0, positive or NaN. Not IfThenZeroElse: a masked load of g, which the compiler makes of it,
    // takes 1.5 times as long to come from memory (measured on a Zen 5).
    return hn::AndNot(hn::VecFromMask(d, hn::Eq(y, hn::Zero(d))), g);
  }
};
struct Tanh {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return tanh(d, x);
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V y, V g) {
    return hn::Mul(g, hn::NegMulAdd(y, y, hn::Set(d, hn::TFromD<D>{1})));
  }
};
struct Sigmoid {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return sigmoid(d, x);
  }
  template <class D, class V>
  static HWY_INLINE V gradient(D, V y, V g) {
    return hn::Mul(g, hn::NegMulAdd(y, y, y));
  }
};

// e^(-x^2 scale)
template <class D, class V>
HWY_INLINE V bell(D d, V x, double scale) {
  return exp_nonpositive(d, hn::Mul(hn::Mul(x, x), hn::Set(d, static_cast<hn::TFromD<D>>(-scale))));
}

struct Erf {
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V x, V g) {
    const V peak = hn::Set(d, static_cast<hn::TFromD<D>>(1.12837916709551257390));  // 2 / sqrt pi
    return hn::Mul(hn::Mul(g, peak), bell(d, x, 1));
  }
};
struct Gelu {  // Phi(x) + x phi(x), the normal distribution and density
  template <class D, class V>
  static HWY_INLINE V gradient(D d, V x, V g) {
    using T = hn::TFromD<D>;
    const V half = hn::Set(d, static_cast<T>(0.5));
    const V e = erf(d, hn::Mul(x, hn::Set(d, static_cast<T>(0.70710678118654752440))));
    const V peak = hn::Set(d, static_cast<T>(0.39894228040143267794));  // 1 / sqrt(2 pi)
    const V density = hn::Mul(peak, bell(d, x, 0.5));
    return hn::Mul(g, hn::MulAdd(x, density, hn::MulAdd(half, e, half)));
  }
};

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
