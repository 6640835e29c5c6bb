// The vector loops of attention. Highway compiles this file once for each
// kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/attention_tiles.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
#include "backends/cpu/simd_philox-inl.h"
// clang-format on

#include <cmath>
#include <limits>

#include "backends/cpu/attention.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// A score and its bias, or -inf.
template <class D, class V>
HWY_INLINE V biased(D d, V score, V bias) {
  using T = hn::TFromD<D>;
  return hn::IfThenElse(hn::Eq(bias, hn::Set(d, kHiddenKey<T>)), hn::Set(d, -kHiddenKey<T>),
                        hn::Add(score, bias));
}

// s += bias; returns the largest. A NaN may be lost here: the sum of the exponentials finds it.
template <class T>
HWY_INLINE T add_row(T* s, const T* bias, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  constexpr T kLowest = -std::numeric_limits<T>::infinity();
  auto largest = hn::Set(d, kLowest);
  std::int64_t i = 0;
  for (; i + step <= n; i += step) {
    const auto score = biased(d, hn::LoadU(d, s + i), hn::LoadU(d, bias + i));
    hn::StoreU(score, d, s + i);
    largest = hn::Max(largest, score);
  }
  if (i < n) {
    const auto score =
        biased(d, load_part(d, s + i, n - i, kLowest), load_part(d, bias + i, n - i, T{}));
    store_part(d, score, s + i, n - i);
    largest = hn::Max(largest, score);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// The multipliers of row `row` of a tile.
template <class T>
HWY_FLATTEN void multipliers(const AttentionDropout& dropout, std::int64_t row, std::int64_t keys,
                             T* HWY_RESTRICT out) {
  alignas(64) std::uint32_t bits[kKeys];
  const std::uint64_t number =
      dropout.first_number + static_cast<std::uint64_t>(row) * dropout.row_distance;
  target_bits(dropout.seed, dropout.stream, number / 4, (keys + 3) / 4, bits);
  write_row(out, keys, [&](auto d, std::int64_t i, std::int64_t) HWY_ATTR {
    return drop(d, hn::Set(d, T{1}), bits + i, dropout.p);
  });
}

template <class T>
HWY_FLATTEN void softmax_tile(T* s, const T* bias, std::int64_t rows, std::int64_t keys,
                              const AttentionDropout& dropout, T* maximum, T* sum, T* rescale) {
  constexpr T kLowest = -std::numeric_limits<T>::infinity();
  alignas(64) T keep[kKeys];
  for (std::int64_t r = 0; r < rows; ++r, s += score_step(keys)) {
    const T largest = add_row(s, bias, keys);
    const T before = maximum[r];
    maximum[r] = largest > before ? largest : before;
    const T shift = maximum[r] == kLowest ? T{0} : maximum[r];
    const bool drops = dropout.p > 0;
    if (drops) multipliers(dropout, r, keys, keep);
    const double added = sum_of<T>(keys, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto e =
          exp_nonpositive(d, hn::Sub(load_some(d, s + i, count, kLowest), hn::Set(d, shift)));
      store_some(d, drops ? hn::Mul(e, load_some(d, keep + i, count)) : e, s + i, count);
      return e;
    });
    rescale[r] = std::exp(before - shift);  // 0 where nothing came before
    sum[r] = sum[r] * rescale[r] + static_cast<T>(added);
  }
}

template <class T>
HWY_FLATTEN void gradient_tile(T* s, T* dp, const T* bias, std::int64_t rows, std::int64_t keys,
                               const AttentionDropout& dropout, const T* log_sum, const T* dot,
                               T* dbias) {
  alignas(64) T keep[kKeys];
  std::fill_n(keep, keys, T{1});
  const std::int64_t step = score_step(keys);
  for (std::int64_t r = 0; r < rows; ++r, s += step, dp += step) {
    if (log_sum[r] == -std::numeric_limits<T>::infinity()) {  // all its keys are masked
      std::fill_n(s, keys, T{0});
      std::fill_n(dp, keys, T{0});
      continue;
    }
    if (dropout.p > 0) multipliers(dropout, r, keys, keep);
    write_row(dbias, keys, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto score = biased(d, load_some(d, s + i, count), load_some(d, bias + i, count));
      const auto p = exp_nonpositive(d, hn::Sub(score, hn::Set(d, log_sum[r])));
      const auto kept = load_some(d, keep + i, count);
      store_some(d, hn::Mul(p, kept), s + i, count);
      const auto centred = hn::MulSub(load_some(d, dp + i, count), kept, hn::Set(d, dot[r]));
      const auto hidden = hn::Eq(score, hn::Set(d, -kHiddenKey<T>));  // 0 beside a NaN that is seen
      const auto ds = hn::IfThenZeroElse(hidden, hn::Mul(p, centred));
      store_some(d, ds, dp + i, count);
      return hn::Add(load_some(d, dbias + i, count), ds);
    });
  }
}

template <class T>
HWY_FLATTEN void scale_row(T* y, T factor, std::int64_t n) {
  write_row(y, n, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(load_some(d, y + i, count), hn::Set(d, factor));
  });
}

template <class T>
HWY_FLATTEN double dot_row(const T* a, const T* b, std::int64_t n) {
  return sum_of<T>(n, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(load_some(d, a + i, count), load_some(d, b + i, count));
  });
}

AttentionTiles<float> float_tiles() {
  return {softmax_tile<float>, gradient_tile<float>, scale_row<float>, dot_row<float>};
}
AttentionTiles<double> double_tiles() {
  return {softmax_tile<double>, gradient_tile<double>, scale_row<double>, dot_row<double>};
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(float_tiles);
HWY_EXPORT(double_tiles);

template <>
AttentionTiles<float> attention_tiles<float>() {
  return HWY_DYNAMIC_DISPATCH(float_tiles)();
}
template <>
AttentionTiles<double> attention_tiles<double>() {
  return HWY_DYNAMIC_DISPATCH(double_tiles)();
}

}  // namespace gradus::cpu
#endif
