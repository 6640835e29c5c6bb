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

// `scale`: the part of the change that is made.
template <class T>
HWY_FLATTEN void adam_span(const AdamStep& s, double scale, const T* g, T* p, T* m, T* v,
                           std::int64_t n) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto set = [d](double x) HWY_ATTR { return hn::Set(d, static_cast<T>(x)); };
  const auto beta1 = set(s.beta1), rest1 = set(1 - s.beta1);
  const auto beta2 = set(s.beta2), rest2 = set(1 - s.beta2);
  const auto rate = set(scale * s.lr / s.m_correction), unbias = set(1 / std::sqrt(s.v_correction));
  const auto epsilon = set(s.epsilon), shrink = set(1 - scale * (1 - s.shrink)), l2 = set(s.l2);
  for (std::int64_t i = 0; i < n; i += lanes) {
    const std::int64_t count = std::min(lanes, n - i);
    const auto old = load_some(d, p + i, count);
    auto slope = load_some(d, g + i, count);
    if (s.l2 != 0) slope = hn::MulAdd(l2, old, slope);
    const auto mean = hn::MulAdd(beta1, load_some(d, m + i, count), hn::Mul(rest1, slope));
    const auto square =
        hn::MulAdd(beta2, load_some(d, v + i, count), hn::Mul(rest2, hn::Mul(slope, slope)));
    const auto root = hn::MulAdd(unbias, hn::Sqrt(square), epsilon);
    store_some(d, mean, m + i, count);
    store_some(d, square, v + i, count);
    store_some(d, hn::NegMulAdd(rate, hn::Div(mean, root), hn::Mul(shrink, old)), p + i, count);
  }
}

// Units [begin, end) of g: numbers, or the rows row[begin] .. row[end - 1] of a table `width` wide
// (all of them in order, where row is null).
void adam_part(const AdamStep& s, const std::int32_t* row, std::int64_t width, const View& g,
               const View& p, const View& m, const View& v, std::int64_t begin, std::int64_t end) {
  dispatch_floating(p.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto span = [&](double scale, std::int64_t from, std::int64_t at, std::int64_t n) {
      adam_span(s, scale, data_of<T>(g) + from, data_of<T>(p) + at, data_of<T>(m) + at,
                data_of<T>(v) + at, n);
    };
    if (row == nullptr && s.row_scale.buffer == nullptr) return span(1, begin, begin, end - begin);
    const T* scale = s.row_scale.buffer == nullptr ? nullptr : data_of<T>(s.row_scale);
    for (std::int64_t i = begin; i < end; ++i) {
      if (row != nullptr && i + kAhead < end && row[i + kAhead] != kNoRow) {
        const std::int64_t later = row[i + kAhead] * width;
        for (const View* x : {&p, &m, &v}) fetch_row(data_of<T>(*x) + later, width);
      }
      const std::int64_t at = row == nullptr ? i : row[i];
      if (at != kNoRow) span(scale == nullptr ? 1 : scale[at], i * width, at * width, width);
    }
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(adam_part);

void adam(const AdamStep& step, const View& rows, const View& g, const View& p, const View& m,
          const View& v) {
  const bool some = rows.buffer != nullptr;
  if (some) check_rows(rows, p.shape()[0], "adam");
  if (g.shape().numel() == 0) return;
  const std::int32_t* row = some ? data_of<std::int32_t>(rows) : nullptr;
  const bool by_rows = some || step.row_scale.buffer != nullptr;
  const std::int64_t width = by_rows ? p.shape().without(0).numel() : 1;
  parallel_for(g.shape().numel() / width, kGrain / width + 1,
               [&](std::int64_t begin, std::int64_t end) {
                 HWY_DYNAMIC_DISPATCH(adam_part)(step, row, width, g, p, m, v, begin, end);
               });
}

}  // namespace gradus::cpu
#endif
