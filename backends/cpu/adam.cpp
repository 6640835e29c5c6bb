// A step of Adam or AdamW (optim/adam.h) in one pass: the definition goes over the parameter and its
// moments a dozen times. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/adam.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>
#include <cmath>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

constexpr std::int64_t kAhead = 4;  // rows that are asked of memory before they are needed

template <class T>
struct Tables {
  const T* g;
  T *p, *m, *v;
};

// p - rate m / (unbias sqrt(v) + epsilon), the factors of which do not change from row to row.
struct Factors {
  const AdamStep& step;
  double rate = step.lr / step.m_correction, unbias = 1 / std::sqrt(step.v_correction);
};

// `scale`: the part of the change that is made.
template <class T>
HWY_INLINE void adam_span(const Factors& f, double scale, const Tables<T>& to, std::int64_t from,
                          std::int64_t at, std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto set = [d](double x) HWY_ATTR { return hn::Set(d, static_cast<T>(x)); };
  const AdamStep& s = f.step;
  const auto beta1 = set(s.beta1), rest1 = set(1 - s.beta1);
  const auto beta2 = set(s.beta2), rest2 = set(1 - s.beta2);
  const auto rate = set(scale * f.rate), unbias = set(f.unbias), epsilon = set(s.epsilon);
  const auto shrink = set(1 - scale * (1 - s.shrink)), l2 = set(s.l2);
  const bool decays = s.l2 != 0;
  const T* g = to.g + from;
  T *p = to.p + at, *m = to.m + at, *v = to.v + at;
  const auto update = [=](std::int64_t i, std::int64_t count) HWY_ATTR {
    const auto old = load_some(d, p + i, count);
    auto slope = load_some(d, g + i, count);
    if (decays) slope = hn::MulAdd(l2, old, slope);
    const auto mean = hn::MulAdd(beta1, load_some(d, m + i, count), hn::Mul(rest1, slope));
    const auto square =
        hn::MulAdd(beta2, load_some(d, v + i, count), hn::Mul(rest2, hn::Mul(slope, slope)));
    const auto root = hn::MulAdd(unbias, hn::Sqrt(square), epsilon);
    store_some(d, mean, m + i, count);
    store_some(d, square, v + i, count);
    store_some(d, hn::NegMulAdd(rate, hn::Div(mean, root), hn::Mul(shrink, old)), p + i, count);
  };
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) update(i, lanes);
  if (i < n) update(i, n - i);
}

// Units [begin, end) of g: numbers, or the rows row[begin] .. row[end - 1] of a table `width` wide
// (all of them in order, where row is null).
template <class T>
HWY_FLATTEN void adam_part(const Factors& f, const std::int32_t* row, std::int64_t width,
                           const Tables<T>& to, std::int64_t begin, std::int64_t end) {
  const View& row_scale = f.step.row_scale;
  const T* scale = row_scale.buffer == nullptr ? nullptr : data_of<T>(row_scale);
  if (row == nullptr && scale == nullptr) return adam_span(f, 1, to, begin, begin, end - begin);
  for (std::int64_t i = begin; i < end; ++i) {
    if (row != nullptr && i + kAhead < end && row[i + kAhead] != kNoRow) {
      const std::int64_t later = row[i + kAhead] * width;
      for (const T* table : {to.p, to.m, to.v}) fetch_row(table + later, width);
    }
    const std::int64_t at = row == nullptr ? i : row[i];
    if (at == kNoRow) continue;
    adam_span(f, scale == nullptr ? 1 : scale[at], to, i * width, at * width, width);
  }
}

void adam_parts(const AdamStep& step, const std::int32_t* row, std::int64_t width, const View& g,
                const View& p, const View& m, const View& v) {
  dispatch_floating(p.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Factors factors{step};
    const Tables<T> to{data_of<T>(g), data_of<T>(p), data_of<T>(m), data_of<T>(v)};
    parallel_for(g.shape().numel() / width, kGrain / width + 1,
                 [&](std::int64_t begin, std::int64_t end) {
                   adam_part(factors, row, width, to, begin, end);
                 });
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(adam_parts);

void adam(const AdamStep& step, const View& rows, const View& g, const View& p, const View& m,
          const View& v) {
  const bool some = rows.buffer != nullptr;
  if (some) check_rows(rows, p.shape()[0], "adam");
  if (g.shape().numel() == 0) return;
  const std::int32_t* row = some ? data_of<std::int32_t>(rows) : nullptr;
  const bool by_rows = some || step.row_scale.buffer != nullptr;
  const std::int64_t width = by_rows ? p.shape().without(0).numel() : 1;
  HWY_DYNAMIC_DISPATCH(adam_parts)(step, row, width, g, p, m, v);
}

}  // namespace gradus::cpu
#endif
