// softmax_cross_entropy, loss = log(sum(e^x)) - x[label], and its gradient, over the rows of a dense
// [rows, classes]. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/cross_entropy.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// x - shift - log is log_softmax(x). Apart, as their sum would lose the digits of log where shift is large; of
// a row of nothing but -inf both are 0.
template <class V>
struct LogSum {
  V shift, log;
};

template <class T>
HWY_INLINE LogSum<T> log_sum_row(const T* x, std::int64_t n) {
  const T lowest = -std::numeric_limits<T>::infinity();
  const T largest = max_row(x, n);
  const T shift = largest == lowest ? T{0} : largest;
  const double sum = sum_of<T>(n, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return exp_nonpositive(d, hn::Sub(load_some(d, x + i, count, lowest), hn::Set(d, shift)));
  });
  return {shift, sum == 0 ? T{0} : static_cast<T>(std::log(sum))};
}

// Few classes: a vector holds the same class of as many rows. Columns [classes, kLanes] of rows that
// are not there are zeros.
template <class T>
struct Columns {
  static constexpr std::int64_t kLanes = hn::MaxLanes(hn::ScalableTag<T>());
  static constexpr std::int64_t kMostClasses = 16;
  HWY_ALIGN T values[kMostClasses * kLanes] = {};

  HWY_INLINE void load(const T* x, std::int64_t rows, std::int64_t n) {
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < n; ++c) values[c * kLanes + r] = x[r * n + c];
    }
  }
  HWY_INLINE LogSum<hn::Vec<hn::ScalableTag<T>>> log_sum(std::int64_t n) const {
    const hn::ScalableTag<T> d;
    auto largest = hn::Load(d, values);
    for (std::int64_t c = 1; c < n; ++c)
      largest = hn::Max(largest, hn::Load(d, values + c * kLanes));
    const auto lowest = hn::Set(d, -std::numeric_limits<T>::infinity());
    const auto shift = hn::IfThenZeroElse(hn::Eq(largest, lowest), largest);
    auto sum = hn::Zero(d);
    for (std::int64_t c = 0; c < n; ++c) {
      sum = hn::Add(sum, exp_nonpositive(d, hn::Sub(hn::Load(d, values + c * kLanes), shift)));
    }
    return {shift, hn::IfThenZeroElse(hn::Eq(sum, hn::Zero(d)), log(d, sum))};
  }
};

template <class T>
HWY_FLATTEN void loss_rows(const void* data, const std::int32_t* labels, std::int64_t rows,
                           std::int64_t n, void* losses) {
  const T* x = static_cast<const T*>(data);
  T* loss = static_cast<T*>(losses);
  if (n <= Columns<T>::kMostClasses) {
    constexpr std::int64_t kLanes = Columns<T>::kLanes;
    const hn::ScalableTag<T> d;
    Columns<T> columns;
    HWY_ALIGN T shifts[kLanes];
    HWY_ALIGN T logs[kLanes];
    for (std::int64_t r = 0; r < rows; r += kLanes) {
      const std::int64_t count = std::min(kLanes, rows - r);
      columns.load(x + r * n, count, n);
      const auto found = columns.log_sum(n);
      hn::Store(found.shift, d, shifts);
      hn::Store(found.log, d, logs);
      for (std::int64_t i = 0; i < count; ++i) {
        loss[r + i] = logs[i] - (x[(r + i) * n + labels[r + i]] - shifts[i]);
      }
    }
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r, x += n) {
    const auto [shift, log] = log_sum_row(x, n);
    loss[r] = log - (x[labels[r]] - shift);
  }
}

// dx = g * (softmax(x) - one_hot(label))
template <class T>
HWY_FLATTEN void gradient_rows(const void* data, const std::int32_t* labels, const void* gradient,
                               std::int64_t rows, std::int64_t n, void* out) {
  const T* x = static_cast<const T*>(data);
  const T* g = static_cast<const T*>(gradient);
  T* dx = static_cast<T*>(out);
  if (n <= Columns<T>::kMostClasses) {
    constexpr std::int64_t kLanes = Columns<T>::kLanes;
    Columns<T> columns;
    const hn::ScalableTag<T> d;
    for (std::int64_t r = 0; r < rows; r += kLanes) {
      const std::int64_t count = std::min(kLanes, rows - r);
      columns.load(x + r * n, count, n);
      const auto found = columns.log_sum(n);
      for (std::int64_t c = 0; c < n; ++c) {
        T* column = columns.values + c * kLanes;
        hn::Store(exp_nonpositive(d, hn::Sub(hn::Sub(hn::Load(d, column), found.shift), found.log)),
                  d, column);
      }
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t c = 0; c < n; ++c) {
          const T one = c == labels[r + i] ? T{1} : T{0};
          dx[(r + i) * n + c] = g[r + i] * (columns.values[c * kLanes + i] - one);
        }
      }
    }
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r, x += n, dx += n) {
    const LogSum<T> found = log_sum_row(x, n);
    write_row(dx, n, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto centred = hn::Sub(load_some(d, x + i, count), hn::Set(d, found.shift));
      return hn::Mul(exp_nonpositive(d, hn::Sub(centred, hn::Set(d, found.log))), hn::Set(d, g[r]));
    });
    dx[labels[r]] -= g[r];
  }
}

void target_losses(DType dtype, const void* x, const std::int32_t* labels, std::int64_t rows,
                   std::int64_t n, void* loss) {
  dispatch_floating(dtype, [&](auto zero) { loss_rows<decltype(zero)>(x, labels, rows, n, loss); });
}

void target_gradients(DType dtype, const void* x, const std::int32_t* labels, const void* g,
                      std::int64_t rows, std::int64_t n, void* dx) {
  dispatch_floating(dtype,
                    [&](auto zero) { gradient_rows<decltype(zero)>(x, labels, g, rows, n, dx); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_losses);
HWY_EXPORT(target_gradients);

namespace {

constexpr std::int64_t kGrainOfExp = kGrain / 4;

const std::int32_t* checked_labels(const View& labels, std::int64_t classes) {
  const auto* label = data_of<std::int32_t>(labels);
  const std::int64_t n = labels.shape().numel();
  const auto* bad =
      std::find_if(label, label + n, [=](std::int32_t l) { return l < 0 || l >= classes; });
  if (bad != label + n) {
    throw IndexError(fmt::format("[softmax_cross_entropy] label {} (number {}) is outside [0, {})",
                                 *bad, bad - label, classes));
  }
  return label;
}

}  // namespace

void softmax_cross_entropy(const View& x, const View& labels, const View& loss) {
  const std::int64_t n = x.shape()[1];
  const std::int32_t* label = checked_labels(labels, n);
  if (x.shape().numel() == 0) return;
  parallel_for(x.shape()[0], kGrainOfExp / n + 1, [&](std::int64_t r, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(target_losses)
    (x.dtype, element(x, r * n), label + r, end - r, n, element(loss, r));
  });
}

void softmax_cross_entropy_gradient(const View& x, const View& labels, const View& g,
                                    const View& dx) {
  const std::int64_t n = x.shape()[1];
  const std::int32_t* label = checked_labels(labels, n);
  if (x.shape().numel() == 0) return;
  parallel_for(x.shape()[0], kGrainOfExp / n + 1, [&](std::int64_t r, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(target_gradients)
    (x.dtype, element(x, r * n), label + r, element(g, r), end - r, n, element(dx, r * n));
  });
}

}  // namespace gradus::cpu
#endif
