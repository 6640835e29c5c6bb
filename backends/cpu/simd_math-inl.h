// Functions of a vector, for the files that Highway compiles once for each kind of CPU. Those of
// Highway are completed where they do not keep NaN and infinities. A lane depends on nothing but
// its own element, so results do not change with where an array is cut.
//
// Largest errors met in tests, in f32 ulp: exp 1, log 1, tanh 2, sigmoid 3, erf 6. gelu is within
// 1e-6, but not relative to its value where that is close to 0.
//
// No #pragma once: Highway includes this again for each target.
#if defined(GRADUS_SIMD_MATH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SIMD_MATH_INL_H
#undef GRADUS_SIMD_MATH_INL_H
#else
#define GRADUS_SIMD_MATH_INL_H
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The first `count` elements at p, fewer than a vector holds; the other lanes are `filler`.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_part(D d, const T* p, std::int64_t count, T filler) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T lanes[hn::MaxLanes(D())];
  hn::Store(hn::Set(d, filler), d, lanes);
  std::memcpy(lanes, p, static_cast<std::size_t>(count) * sizeof(T));
  return hn::Load(d, lanes);
#else
  const auto there = hn::FirstN(d, static_cast<std::size_t>(count));
  return hn::IfThenElse(there, hn::MaskedLoad(there, d, p), hn::Set(d, filler));
#endif
}

template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void store_part(D d, V v, T* p, std::int64_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN T lanes[hn::MaxLanes(D())];
  hn::Store(v, d, lanes);
  std::memcpy(p, lanes, static_cast<std::size_t>(count) * sizeof(T));
#else
  hn::BlendedStore(v, hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
#endif
}

// A function of one number, lane by lane.
template <class D, class V, class F>
V lanewise(D d, V x, F f) {
  HWY_ALIGN hn::TFromD<D> lanes[hn::MaxLanes(D())];
  hn::Store(x, d, lanes);
  for (std::size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = f(lanes[i]);
  return hn::Load(d, lanes);
}

// p[0] t^n + p[1] t^(n-1) + ...
template <class D, class V, std::size_t kTerms>
HWY_INLINE V polynomial(D d, V t, const double (&p)[kTerms]) {
  V sum = hn::Set(d, static_cast<hn::TFromD<D>>(p[0]));
  for (std::size_t i = 1; i < kTerms; ++i) {
    sum = hn::MulAdd(sum, t, hn::Set(d, static_cast<hn::TFromD<D>>(p[i])));
  }
  return sum;
}

// 1.5 2^23: an f32 that is added to it is rounded, to the low bits of the sum.
constexpr float kShifter = 12582912;

// x 2^n for x from 1/2 to 2 and whole n from -252 to 252, given as n + kShifter. In two steps, as 2^n
// alone may be no f32: half of n is added to x's exponent, the rest makes a number of its own.
template <class D, class V>
HWY_INLINE V times_power(D d, V x, V shifted) {
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(V) == 64) {
    const V n = hn::Sub(shifted, hn::Set(d, kShifter));
    return V{_mm512_scalef_ps(x.raw, n.raw)};
  }
#endif
  const hn::RebindToSigned<D> whole;
  const auto n = hn::BitCast(whole, shifted), half = hn::ShiftRight<1>(n), rest = hn::Sub(n, half);
  const auto one = hn::BitCast(whole, hn::Set(d, 1.F));
  const V first = hn::BitCast(d, hn::Add(hn::BitCast(whole, x), hn::ShiftLeft<23>(half)));
  return hn::Mul(first, hn::BitCast(d, hn::Add(one, hn::ShiftLeft<23>(rest))));
}

// e^x = 2^n e^r with n = x / ln 2, rounded, and |r| <= ln 2 / 2. The result is e^r, an f32: 1 + r + r^2 P(r),
// a fit of least relative error (3.1e-9). `shifted` becomes n + kShifter.
template <class D, class V>
HWY_INLINE V exp_rest(D d, V x, V& shifted) {
  const auto set = [d](float v) HWY_ATTR { return hn::Set(d, v); };
  shifted = hn::MulAdd(x, set(1.44269504F), set(kShifter));
  const V n = hn::Sub(shifted, set(kShifter));
  // ln 2 as a sum: n times the first, of few digits, is exact.
  const V r = hn::NegMulAdd(n, set(-2.12194440e-4F), hn::NegMulAdd(n, set(0.693359375F), x));
  return polynomial(
      d, r, {0.00138143206, 0.00836885069, 0.0416684002, 0.166665196, 0.49999994, 1.0, 1.0});
}

// f64: Highway's. Without vectors: the C library's.
template <class D, class V>
HWY_INLINE V exp(D d, V x) {
  using T = hn::TFromD<D>;
#if HWY_TARGET == HWY_SCALAR
  return lanewise(d, x, [](T v) { return std::exp(v); });
#endif
  if constexpr (sizeof(T) == 8) {
    const V least_infinite = hn::Set(d, T{710});
    return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, hn::Min(x, least_infinite)), x);
  } else {
    // Beyond these limits it is 0 or inf.
    const V inside = hn::Min(hn::Set(d, T{104}), hn::Max(hn::Set(d, T{-104}), x));
    V shifted;
    const V rest = exp_rest(d, inside, shifted);
    return hn::IfThenElse(hn::Eq(x, x), times_power(d, rest, shifted), x);
  }
}

// The same where x is known to be at most 0, give or take rounding. f32: 0 below -87.3, where e^x is
// less than the smallest normal number; so 2^n is a number whose bits can be written down.
template <class D, class V>
HWY_INLINE V exp_nonpositive(D d, V x) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    V shifted;
    const V rest = exp_rest(d, x, shifted);
    const hn::RebindToSigned<D> whole;
    const auto one = hn::BitCast(whole, hn::Set(d, 1.F));
    const V power = hn::BitCast(d, hn::Add(one, hn::ShiftLeft<23>(hn::BitCast(whole, shifted))));
    return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3F)), hn::Mul(rest, power));
  }
#endif
  return exp(d, x);
}

template <class D, class V>
HWY_INLINE V log(D d, V x) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d);
  const V infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  const V nan = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
  const V edge = hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity),
                                hn::IfThenElse(hn::Eq(x, infinity), infinity, nan));
  const auto inside = hn::And(hn::Gt(x, zero), hn::Lt(x, infinity));
  return hn::IfThenElse(inside, hn::Log(d, x), edge);
}

// 1 / (1 + e^-x), written with e^-|x|, which cannot overflow.
template <class D, class V>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, hn::TFromD<D>{1});
  const V e = exp(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

// f32: x * P(x^2) / Q(x^2), a fit of least relative error (1.9e-8) on [-3.925, 3.925], beyond which
// erf rounds to 1. f64: the C library.
template <class D, class V>
HWY_INLINE V erf(D d, V x) {
  using T = hn::TFromD<D>;
  if constexpr (sizeof(T) == 8) {
    return lanewise(d, x, [](T v) { return std::erf(v); });
  } else {
    const V limit = hn::Set(d, T{3.925}), one = hn::Set(d, T{1});
    const V c = hn::IfThenElse(hn::Gt(hn::Abs(x), limit), hn::CopySign(limit, x), x);  // keeps NaN
    const V t = hn::Mul(c, c);
    const V p = polynomial(d, t,
                           {2.0459942619381837e-06, 0.00028482570888473216, 0.003772109449705747,
                            0.052767905558869, 0.19058462083089867, 1.1283791459218118});
    const V q = polynomial(d, t,
                           {3.8046497222323835e-05, 0.0011637362468070074, 0.014982319126391043,
                            0.11417877974417404, 0.5022339555625184, 1.0});
    const V y = hn::Div(hn::Mul(c, p), q);
    return hn::IfThenElse(hn::Gt(hn::Abs(y), one), hn::CopySign(one, y), y);
  }
}

// f32: 1 - 2 e / (1 + e) with e = e^-2x from 0.6 on; before, where that would cancel, x + x^3 P(x^2), a fit
// of least relative error (4.4e-9). f64: Highway's.
template <class D, class V>
HWY_INLINE V tanh(D d, V x) {
  using T = hn::TFromD<D>;
  if constexpr (sizeof(T) == 8) {
    return hn::Tanh(d, x);
  } else {
    const V one = hn::Set(d, T{1}), minus_two = hn::Set(d, T{-2});
    const V a = hn::Abs(x), t = hn::Mul(x, x);
    const V e = exp_nonpositive(d, hn::Mul(minus_two, a));
    const V large = hn::MulAdd(minus_two, hn::Div(e, hn::Add(one, e)), one);
    const V p =
        polynomial(d, t, {-0.0057049889, 0.0206390891, -0.0537397157, 0.133314422, -0.333332819});
    const V small = hn::MulAdd(hn::Mul(a, t), p, a);
    const auto is_small = hn::Lt(a, hn::Set(d, static_cast<T>(0.6)));
    return hn::CopySign(hn::IfThenElse(is_small, small, large), x);
  }
}

// x * (1 + erf(x / sqrt 2)) / 2
template <class D, class V>
HWY_INLINE V gelu(D d, V x) {
  using T = hn::TFromD<D>;
  const V half = hn::Set(d, static_cast<T>(0.5));
  const V e = erf(d, hn::Mul(x, hn::Set(d, static_cast<T>(0.70710678118654752440))));
  return hn::Mul(hn::Mul(half, x), hn::Add(hn::Set(d, T{1}), e));
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
