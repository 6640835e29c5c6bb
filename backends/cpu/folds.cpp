// Sums, extremes and argmax over one axis. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/folds.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <limits>

#include "backends/cpu/folds.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

constexpr std::int64_t kShortRow = 16;  // rows too short to be worth a vector

template <class T>
HWY_FLATTEN void sum_rows(const void* data, std::int64_t rows, std::int64_t n, double* out) {
  const T* x = static_cast<const T*>(data);
  for (std::int64_t r = 0; r < rows; ++r, x += n) {
    if (n < kShortRow) {
      double sum = 0;
      for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
      out[r] = sum;
    } else {
      out[r] = sum_row(x, n);
    }
  }
}

// Four rows at a time, and 32 rows in T before they go to the double: errors stay small.
template <class T>
void sum_columns(const void* data, std::int64_t n, std::int64_t columns, std::int64_t stride,
                 double* HWY_RESTRICT out) {
  const T* x = static_cast<const T*>(data);
  T some[kFoldColumns];
  std::fill_n(out, columns, 0.0);
  for (std::int64_t begin = 0; begin < n; begin += 32) {
    const std::int64_t end = std::min(n, begin + 32);
    std::fill_n(some, columns, T{0});
    std::int64_t r = begin;
    for (; r + 4 <= end; r += 4) {
      const T* HWY_RESTRICT x0 = x + r * stride;
      const T* HWY_RESTRICT x1 = x0 + stride;
      const T* HWY_RESTRICT x2 = x1 + stride;
      const T* HWY_RESTRICT x3 = x2 + stride;
      for (std::int64_t j = 0; j < columns; ++j) some[j] += (x0[j] + x1[j]) + (x2[j] + x3[j]);
    }
    for (; r < end; ++r) {
      for (std::int64_t j = 0; j < columns; ++j) some[j] += x[r * stride + j];
    }
    for (std::int64_t j = 0; j < columns; ++j) out[j] += static_cast<double>(some[j]);
  }
}

// kSign = 1: the largest; -1: the smallest, as the largest of -x. NaN wins.
template <class T, int kSign>
HWY_FLATTEN void extreme_rows(const void* data, std::int64_t rows, std::int64_t n, double* out) {
  const T* x = static_cast<const T*>(data);
  for (std::int64_t r = 0; r < rows; ++r, x += n) {
    if (n >= kShortRow) {
      out[r] = kSign * static_cast<double>(max_row<kSign>(x, n));
      continue;
    }
    T best = -std::numeric_limits<T>::infinity();
    for (std::int64_t i = 0; i < n; ++i) {
      const T value = kSign * x[i];
      best = ((value > best) | (value != value)) ? value : best;
    }
    out[r] = kSign * static_cast<double>(best);
  }
}

template <class T, int kSign>
void extreme_columns(const void* data, std::int64_t n, std::int64_t columns, std::int64_t stride,
                     double* HWY_RESTRICT out) {
  const T* x = static_cast<const T*>(data);
  T best[kFoldColumns];
  std::fill_n(best, columns, -std::numeric_limits<T>::infinity());
  for (std::int64_t r = 0; r < n; ++r) {
    const T* HWY_RESTRICT row = x + r * stride;
    for (std::int64_t j = 0; j < columns; ++j) {
      const T value = kSign * row[j];
      best[j] = ((value > best[j]) | (value != value)) ? value : best[j];
    }
  }
  for (std::int64_t j = 0; j < columns; ++j) out[j] = kSign * static_cast<double>(best[j]);
}

template <class T>
HWY_FLATTEN void argmax_rows(const void* data, std::int64_t rows, std::int64_t n,
                             std::int32_t* out) {
  const T* x = static_cast<const T*>(data);
  const hn::ScalableTag<T> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t r = 0; r < rows; ++r, x += n) {
    const T best = max_row(x, n);
    std::int64_t i = 0;
    for (; i + step <= n; i += step) {
      const auto v = hn::LoadU(d, x + i);
      if (!hn::AllFalse(d, best == best ? hn::Eq(v, hn::Set(d, best)) : hn::IsNaN(v))) break;
    }
    while (i + 1 < n && (best == best ? x[i] != best : x[i] == x[i])) ++i;
    out[r] = static_cast<std::int32_t>(i);
  }
}

template <class T>
void argmax_columns(const void* data, std::int64_t n, std::int64_t columns, std::int64_t stride,
                    std::int32_t* HWY_RESTRICT out) {
  const T* x = static_cast<const T*>(data);
  T best[kFoldColumns];
  std::copy_n(x, columns, best);
  std::fill_n(out, columns, 0);
  for (std::int64_t r = 1; r < n; ++r) {
    const T* HWY_RESTRICT row = x + r * stride;
    for (std::int64_t j = 0; j < columns; ++j) {
      const bool better = (row[j] > best[j]) | ((row[j] != row[j]) & (best[j] == best[j]));
      best[j] = better ? row[j] : best[j];
      out[j] = better ? static_cast<std::int32_t>(r) : out[j];
    }
  }
}

Folds target_folds(ReduceOp op, DType dtype) {
  return dispatch_floating(dtype, [op](auto zero) -> Folds {
    using T = decltype(zero);
    if (op == ReduceOp::max) return {extreme_rows<T, 1>, extreme_columns<T, 1>};
    if (op == ReduceOp::min) return {extreme_rows<T, -1>, extreme_columns<T, -1>};
    return {sum_rows<T>, sum_columns<T>};
  });
}

ArgFolds target_arg_folds(DType dtype) {
  return dispatch_floating(dtype, [](auto zero) -> ArgFolds {
    return {argmax_rows<decltype(zero)>, argmax_columns<decltype(zero)>};
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_folds);
HWY_EXPORT(target_arg_folds);

Folds folds_of(ReduceOp op, DType dtype) { return HWY_DYNAMIC_DISPATCH(target_folds)(op, dtype); }
ArgFolds arg_folds_of(DType dtype) { return HWY_DYNAMIC_DISPATCH(target_arg_folds)(dtype); }

}  // namespace gradus::cpu
#endif
