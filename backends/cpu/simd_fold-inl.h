// Sums and extremes of a row of numbers, for the files that Highway compiles once for each kind of
// CPU.
//
// No #pragma once: Highway includes this again for each target.
#if defined(GRADUS_SIMD_FOLD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SIMD_FOLD_INL_H
#undef GRADUS_SIMD_FOLD_INL_H
#else
#define GRADUS_SIMD_FOLD_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <limits>

#include "backends/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// Asks memory for the beginning of a row: where rows are read in no order, the caches don't foresee them.
template <class T>
HWY_INLINE void fetch_row(const T* row, std::int64_t n) {
  constexpr std::int64_t kLine = 64 / sizeof(T), kMostLines = 8;
  for (std::int64_t i = 0; i < std::min(n, kMostLines * kLine); i += kLine) hwy::Prefetch(row + i);
}

// The sum over i of f(d, i, count): f gives elements i, i + 1, ... as a vector, of which only the
// first `count` are there if count is less than a vector (f makes the others 0). Blocks of 64 vectors
// are summed in T by four accumulators and added up in double: as accurate as a pairwise sum.
template <class T, class F>
HWY_INLINE double sum_of(std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t block = 64 * step;
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::int64_t end = std::min(n, begin + block);
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    std::int64_t i = begin;
    for (; i + 4 * step <= end; i += 4 * step) {
      s0 = hn::Add(s0, f(d, i, step));
      s1 = hn::Add(s1, f(d, i + step, step));
      s2 = hn::Add(s2, f(d, i + 2 * step, step));
      s3 = hn::Add(s3, f(d, i + 3 * step, step));
    }
    for (; i < end; i += step) s0 = hn::Add(s0, f(d, i, std::min(step, end - i)));
    const auto s = hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, s)));
  }
  return total;
}

// Elements [i, i + count) of an array as sum_of wants them.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_some(D d, const T* p, std::int64_t count, T filler = T{}) {
  return count >= static_cast<std::int64_t>(hn::Lanes(d)) ? hn::LoadU(d, p)
                                                          : load_part(d, p, count, filler);
}

template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE void store_some(D d, V v, T* p, std::int64_t count) {
  if (count >= static_cast<std::int64_t>(hn::Lanes(d))) {
    hn::StoreU(v, d, p);
  } else {
    store_part(d, v, p, count);
  }
}

template <class T>
HWY_INLINE double sum_row(const T* x, std::int64_t n) {
  return sum_of<T>(n, [x](auto d, std::int64_t i, std::int64_t count)
                          HWY_ATTR { return load_some(d, x + i, count); });
}

// The largest element of x, or with kSign = -1 of -x; -inf of none, NaN if there is one.
template <int kSign = 1, class T>
HWY_INLINE T max_row(const T* x, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  const T lowest = -std::numeric_limits<T>::infinity();
  auto m0 = hn::Set(d, lowest), m1 = m0, m2 = m0, m3 = m0;
  auto nan = hn::IsNaN(m0);  // Max may give either where one is NaN
  const auto take = [&](auto& most, auto v) HWY_ATTR {
    if constexpr (kSign < 0) v = hn::Neg(v);
    nan = hn::Or(nan, hn::IsNaN(v));
    most = hn::Max(most, v);
  };
  std::int64_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    take(m0, hn::LoadU(d, x + i));
    take(m1, hn::LoadU(d, x + i + step));
    take(m2, hn::LoadU(d, x + i + 2 * step));
    take(m3, hn::LoadU(d, x + i + 3 * step));
  }
  for (; i < n; i += step) take(m0, load_some(d, x + i, std::min(step, n - i), kSign * lowest));
  if (!hn::AllFalse(d, nan)) return std::numeric_limits<T>::quiet_NaN();
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(m0, m1), hn::Max(m2, m3))));
}

// to[i ..] = f(d, i, count), over a row of n.
template <class T, class F>
HWY_INLINE void write_row(T* to, std::int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(f(d, i, step), d, to + i);
  if (i < n) store_part(d, f(d, i, n - i), to + i, n - i);
}

// The same, of rows that f reads, where the result may be written past the caches. What is read is then
// asked of memory ahead of its use: neither direction waits for the other.
template <class T, std::size_t N, class F>
HWY_INLINE void write_row(T* to, std::int64_t n, bool past_caches,
                          const std::array<const T*, N>& reads, const F& f) {
  constexpr std::int64_t kAhead = 2048 / sizeof(T);
  const hn::ScalableTag<T> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  if (!past_caches) return write_row(to, n, f);
  std::int64_t i = 0;
  for (; i + step <= n; i += step) {
    for (const T* read : reads) hwy::Prefetch(read + i + kAhead);
    hn::Stream(f(d, i, step), d, to + i);
  }
  if (i < n) store_part(d, f(d, i, n - i), to + i, n - i);
}

template <class T, class F>
HWY_INLINE void write_row(T* to, std::int64_t n, bool past_caches, const F& f) {
  write_row(to, n, past_caches, std::array<const T*, 0>{}, f);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
