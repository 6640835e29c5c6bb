// layer_norm (Ba, Kiros and Hinton, "Layer normalization", 2016) and its gradient, over the rows of
// a dense [rows, dim]. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/layer_norm.cpp"
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

// y = (x - mean) * rstd * weight + bias, rstd = 1 / sqrt(variance + epsilon).
template <class T>
HWY_FLATTEN void norm_row(const T* x, const T* weight, const T* bias, double epsilon, T* y,
                          T* mean_out, T* rstd_out, std::int64_t dim) {
  const T mean = static_cast<T>(sum_row(x, dim) / static_cast<double>(dim));
  const double squares = sum_of<T>(dim, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    const auto centred = hn::Sub(load_some(d, x + i, count, mean), hn::Set(d, mean));
    return hn::Mul(centred, centred);
  });
  const T rstd = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(dim) + epsilon));
  write_row(y, dim, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    const auto centred = hn::Sub(load_some(d, x + i, count), hn::Set(d, mean));
    return hn::MulAdd(hn::Mul(centred, hn::Set(d, rstd)), load_some(d, weight + i, count),
                      load_some(d, bias + i, count));
  });
  *mean_out = mean;
  *rstd_out = rstd;
}

// With n = (x - mean) * rstd and h = g * weight:
//   dx = rstd * (h - average(h) - n * average(h * n)),   dweight += g * n,   dbias += g.
template <class T>
HWY_FLATTEN void norm_gradient_row(const T* x, const T* weight, T mean, T rstd, const T* g, T* dx,
                                   T* dweight, T* dbias, std::int64_t dim) {
  const auto normal = [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(hn::Sub(load_some(d, x + i, count, mean), hn::Set(d, mean)), hn::Set(d, rstd));
  };
  const auto weighted = [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(load_some(d, g + i, count), load_some(d, weight + i, count));
  };
  const double h = sum_of<T>(dim, weighted) / static_cast<double>(dim);
  const double hn_ =
      sum_of<T>(dim, [&](auto d, std::int64_t i, std::int64_t count)
                         HWY_ATTR { return hn::Mul(weighted(d, i, count), normal(d, i, count)); }) /
      static_cast<double>(dim);
  write_row(dx, dim, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    const auto centred = hn::Sub(weighted(d, i, count), hn::Set(d, static_cast<T>(h)));
    const auto part = hn::Mul(normal(d, i, count), hn::Set(d, static_cast<T>(hn_)));
    return hn::Mul(hn::Sub(centred, part), hn::Set(d, rstd));
  });
  write_row(dweight, dim, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::MulAdd(load_some(d, g + i, count), normal(d, i, count),
                      load_some(d, dweight + i, count));
  });
  write_row(dbias, dim, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Add(load_some(d, dbias + i, count), load_some(d, g + i, count));
  });
}

// Rows [begin, end).
void norm_rows(const View& x, const View& weight, const View& bias, double epsilon, const View& y,
               const View& mean, const View& rstd, std::int64_t begin, std::int64_t end) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t dim = weight.shape()[0];
    for (std::int64_t r = begin; r < end; ++r) {
      norm_row(data_of<T>(x) + r * dim, data_of<T>(weight), data_of<T>(bias), epsilon,
               data_of<T>(y) + r * dim, data_of<T>(mean) + r, data_of<T>(rstd) + r, dim);
    }
  });
}

// Rows [begin, end); their part of dweight and dbias is row `part` of `parts` [.., 2, dim].
void norm_gradient_rows(const View& x, const View& weight, const View& mean, const View& rstd,
                        const View& g, const View& dx, void* parts, std::int64_t part,
                        std::int64_t begin, std::int64_t end) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t dim = weight.shape()[0];
    T* dweight = static_cast<T*>(parts) + part * 2 * dim;
    std::fill_n(dweight, 2 * dim, T{0});
    for (std::int64_t r = begin; r < end; ++r) {
      norm_gradient_row(data_of<T>(x) + r * dim, data_of<T>(weight), data_of<T>(mean)[r],
                        data_of<T>(rstd)[r], data_of<T>(g) + r * dim, data_of<T>(dx) + r * dim,
                        dweight, dweight + dim, dim);
    }
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(norm_rows);
HWY_EXPORT(norm_gradient_rows);

void layer_norm(const View& x, const View& weight, const View& bias, double epsilon, const View& y,
                const View& mean, const View& rstd) {
  const std::int64_t dim = weight.shape()[0];
  if (x.shape().numel() == 0) return;
  parallel_for(x.shape().numel() / dim, kGrain / 2 / dim + 1,
               [&](std::int64_t begin, std::int64_t end) {
                 HWY_DYNAMIC_DISPATCH(norm_rows)
                 (x, weight, bias, epsilon, y, mean, rstd, begin, end);
               });
}

void layer_norm_gradient(Cache& cache, const View& x, const View& weight, const View& mean,
                         const View& rstd, const View& g, const View& dx, const View& dweight,
                         const View& dbias) {
  const std::int64_t dim = weight.shape()[0];
  if (x.shape().numel() == 0) {
    fill(dweight, 0);
    return fill(dbias, 0);
  }
  const std::int64_t rows = x.shape().numel() / dim;
  const std::int64_t chunk = std::max<std::int64_t>(64, kGrain / dim);
  const std::int64_t chunks = ceil_div(rows, chunk);
  const auto sums = cache.allocate(static_cast<std::size_t>(chunks * 2 * dim) * size_of(x.dtype));
  parallel_for(rows, chunk, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(norm_gradient_rows)
    (x, weight, mean, rstd, g, dx, sums->host(), begin / chunk, begin, end);
  });
  const View parts{sums.get(), x.dtype, Layout(Shape{chunks, 2, dim})};
  const auto part = [&](std::int64_t i) {
    return View{parts.buffer, parts.dtype, parts.layout.sliced(1, i, i + 1, 1)};
  };
  sum_parts(cache, part(0), dweight);
  sum_parts(cache, part(1), dbias);
}

}  // namespace gradus::cpu
#endif
