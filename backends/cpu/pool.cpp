// Averages of the rows of each text by attention's weights, and their gradient. Highway compiles this
// file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/pool.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// y [size] = the sum of weights[t] * values[t] over t < rows; weights lie `step` apart, values
// step * size. Several vectors of y at a time, so that a row's numbers are read together.
template <class T>
HWY_FLATTEN void weighted_sum(const T* weights, const T* values, std::int64_t rows,
                              std::int64_t step, std::int64_t size, T* y) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + 4 * lanes <= size; i += 4 * lanes) {
    auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    const T* v = values + i;
    for (std::int64_t t = 0; t < rows; ++t, v += step * size) {
      const auto w = hn::Set(d, weights[t * step]);
      s0 = hn::MulAdd(w, hn::LoadU(d, v), s0);
      s1 = hn::MulAdd(w, hn::LoadU(d, v + lanes), s1);
      s2 = hn::MulAdd(w, hn::LoadU(d, v + 2 * lanes), s2);
      s3 = hn::MulAdd(w, hn::LoadU(d, v + 3 * lanes), s3);
    }
    hn::StoreU(s0, d, y + i);
    hn::StoreU(s1, d, y + i + lanes);
    hn::StoreU(s2, d, y + i + 2 * lanes);
    hn::StoreU(s3, d, y + i + 3 * lanes);
  }
  write_row(y + i, size - i, [&](auto, std::int64_t at, std::int64_t count) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (std::int64_t t = 0; t < rows; ++t) {
      const auto v = load_some(d, values + t * step * size + i + at, count);
      sum = hn::MulAdd(hn::Set(d, weights[t * step]), v, sum);
    }
    return sum;
  });
}

// For one row and one head: dvalue = weight * g, and the product value . g, which is dweight.
template <class T>
HWY_FLATTEN T pool_slope(T weight, const T* value, const T* g, std::int64_t size, T* dvalue) {
  write_row(dvalue, size, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(hn::Set(d, weight), load_some(d, g + i, count));
  });
  return static_cast<T>(sum_of<T>(size, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(load_some(d, value + i, count), load_some(d, g + i, count));
  }));
}

// Sum number n = text * heads + head.
void pool_of(const View& weights, const View& values, const std::int32_t* offsets, std::int64_t n,
             const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t heads = values.shape()[1], size = values.shape()[2];
    const std::int64_t text = n / heads, head = n % heads, first = offsets[text];
    weighted_sum(data_of<T>(weights) + first * heads + head,
                 data_of<T>(values) + (first * heads + head) * size, offsets[text + 1] - first,
                 heads, size, data_of<T>(y) + n * size);
  });
}

// Rows [begin, end).
void pool_gradient_of(const View& weights, const View& values, const std::int32_t* offsets,
                      const View& g, std::int64_t begin, std::int64_t end, const View& dweights,
                      const View& dvalues) {
  dispatch_floating(g.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t texts = g.shape()[0], heads = values.shape()[1], size = values.shape()[2];
    std::int64_t text = std::upper_bound(offsets, offsets + texts + 1, begin) - offsets - 1;
    for (std::int64_t row = begin; row < end; ++row) {
      while (row >= offsets[text + 1]) ++text;
      for (std::int64_t n = row * heads; n < (row + 1) * heads; ++n) {
        const T* slope = data_of<T>(g) + (text * heads + n % heads) * size;
        data_of<T>(dweights)[n] = pool_slope(data_of<T>(weights)[n], data_of<T>(values) + n * size,
                                             slope, size, data_of<T>(dvalues) + n * size);
      }
    }
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(pool_of);
HWY_EXPORT(pool_gradient_of);

void pool(const View& weights, const View& values, const View& offsets, const View& y) {
  if (y.shape().numel() == 0) return;
  const std::int64_t sums = y.shape()[0] * y.shape()[1];
  const std::int64_t work = std::max<std::int64_t>(1, values.shape().numel() / sums);
  parallel_for(
      sums, std::max<std::int64_t>(1, kGrain / work), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t n = begin; n < end; ++n) {
          HWY_DYNAMIC_DISPATCH(pool_of)(weights, values, data_of<std::int32_t>(offsets), n, y);
        }
      });
}

void pool_gradient(const View& weights, const View& values, const View& offsets, const View& g,
                   const View& dweights, const View& dvalues) {
  if (values.shape().numel() == 0) return fill(dweights, 0);
  const std::int64_t rows = values.shape()[0], work = values.shape().numel() / rows;
  parallel_for(
      rows, std::max<std::int64_t>(1, kGrain / work), [&](std::int64_t begin, std::int64_t end) {
        HWY_DYNAMIC_DISPATCH(pool_gradient_of)
        (weights, values, data_of<std::int32_t>(offsets), g, begin, end, dweights, dvalues);
      });
}

}  // namespace gradus::cpu
#endif
