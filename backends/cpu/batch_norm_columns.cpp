// batch_norm and its gradient of a dense [batch, channels], where each channel is a column (batch_norm.cpp has
// the formulas). Rows are walked as they lie in memory, a chunk of them by each task; the sums of chunks are
// added up in order. The loops over a row are plain: Highway compiles this file once for each kind of CPU, and
// the compiler makes vectors of them.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/batch_norm_columns.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <algorithm>
#include <vector>

#include "backends/cpu/batch_norm.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// Adds rows of n numbers to sums [n].
template <class T>
HWY_FLATTEN void add_rows(std::int64_t rows, std::int64_t n, const T* x, T* HWY_RESTRICT sum) {
  for (; rows > 0; --rows, x += n) {
    for (std::int64_t c = 0; c < n; ++c) sum[c] += x[c];
  }
}

// Adds the squares of what is left of x without its mean.
template <class T>
HWY_FLATTEN void add_squares(std::int64_t rows, std::int64_t n, const T* x, const T* mean,
                             T* HWY_RESTRICT sum) {
  for (; rows > 0; --rows, x += n) {
    for (std::int64_t c = 0; c < n; ++c) sum[c] += (x[c] - mean[c]) * (x[c] - mean[c]);
  }
}

// Adds g, and g times what is left of x, to sums [2, n].
template <class T>
HWY_FLATTEN void add_products(std::int64_t rows, std::int64_t n, const T* x, const T* mean,
                              const T* g, T* HWY_RESTRICT sum) {
  for (; rows > 0; --rows, x += n, g += n) {
    for (std::int64_t c = 0; c < n; ++c) {
      sum[c] += g[c];
      sum[n + c] += g[c] * (x[c] - mean[c]);
    }
  }
}

// y = (x - mean) slope + start
template <class T>
HWY_FLATTEN void norm_rows(std::int64_t rows, std::int64_t n, const T* x, const T* mean,
                           const T* slope, const T* start, T* HWY_RESTRICT y) {
  for (; rows > 0; --rows, x += n, y += n) {
    for (std::int64_t c = 0; c < n; ++c) y[c] = (x[c] - mean[c]) * slope[c] + start[c];
  }
}

// dx = (g - average - (x - mean) slope) scale
template <class T>
HWY_FLATTEN void norm_gradient_rows(std::int64_t rows, std::int64_t n, const T* x, const T* mean,
                                    const T* g, const T* average, const T* slope, const T* scale,
                                    T* HWY_RESTRICT dx) {
  for (; rows > 0; --rows, x += n, g += n, dx += n) {
    for (std::int64_t c = 0; c < n; ++c) {
      dx[c] = (g[c] - average[c] - (x[c] - mean[c]) * slope[c]) * scale[c];
    }
  }
}

template <class T>
ColumnLoops<T> loops_of() {
  return {add_rows<T>, add_squares<T>, add_products<T>, norm_rows<T>, norm_gradient_rows<T>};
}
ColumnLoops<float> target_f32() { return loops_of<float>(); }
ColumnLoops<double> target_f64() { return loops_of<double>(); }

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_f32);
HWY_EXPORT(target_f64);

namespace {

template <class T>
ColumnLoops<T> column_loops() {
  if constexpr (sizeof(T) == 4)
    return HWY_DYNAMIC_DISPATCH(target_f32)();
  else
    return HWY_DYNAMIC_DISPATCH(target_f64)();
}

constexpr std::int64_t kChunk = 64;  // rows

// body(first, rows) for each chunk of rows of x, in parallel.
template <class F>
void for_chunks(const View& x, const F& body) {
  const std::int64_t rows = x.shape()[0];
  if (x.shape().numel() == 0) return;
  const std::int64_t together = std::max<std::int64_t>(1, kGrain / (kChunk * x.shape()[1]));
  parallel_for(ceil_div(rows, kChunk), together, [&](std::int64_t chunk, std::int64_t end) {
    for (; chunk < end; ++chunk) {
      body(chunk * kChunk, std::min(kChunk, rows - chunk * kChunk));
    }
  });
}

// The `width` sums over all rows of x that add(first, rows, sums) adds to: of chunks in T, then in double.
template <class T, class F>
std::vector<double> sum_chunks(const View& x, std::size_t width, const F& add) {
  std::vector<T> sums(static_cast<std::size_t>(ceil_div(x.shape()[0], kChunk)) * width);
  for_chunks(x, [&](std::int64_t first, std::int64_t rows) {
    add(first, rows, sums.data() + static_cast<std::size_t>(first / kChunk) * width);
  });
  std::vector<double> totals(width);
  for (std::size_t i = 0; i < sums.size(); i += width) {
    for (std::size_t c = 0; c < width; ++c) totals[c] += static_cast<double>(sums[i + c]);
  }
  return totals;
}

}  // namespace

void batch_norm_columns(const View& x, const View& weight, const View& bias, double epsilon,
                        const View& y, const View& mean, const View& variance) {
  const std::int64_t n = x.shape()[1];
  const auto count = static_cast<double>(x.shape()[0]);
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const ColumnLoops<T> loops = column_loops<T>();
    const T *from = data_of<T>(x), *start = data_of<T>(bias);
    T* const centre = data_of<T>(mean);
    const auto width = static_cast<std::size_t>(n);
    const auto sums = sum_chunks<T>(x, width, [&](std::int64_t i, std::int64_t rows, T* sum) {
      loops.add(rows, n, from + i * n, sum);
    });
    for (std::size_t c = 0; c < width; ++c) centre[c] = static_cast<T>(sums[c] / count);
    const auto squares = sum_chunks<T>(x, width, [&](std::int64_t i, std::int64_t rows, T* sum) {
      loops.add_squares(rows, n, from + i * n, centre, sum);
    });
    std::vector<T> slope(width);
    for (std::size_t c = 0; c < width; ++c) {
      const T spread = data_of<T>(variance)[c] = static_cast<T>(squares[c] / count);
      slope[c] = rstd_of(spread, epsilon) * data_of<T>(weight)[c];
    }
    for_chunks(x, [&](std::int64_t i, std::int64_t rows) {
      loops.norm(rows, n, from + i * n, centre, slope.data(), start, data_of<T>(y) + i * n);
    });
  });
}

void batch_norm_columns_gradient(const View& x, const View& weight, const View& mean,
                                 const View& variance, double epsilon, const View& g,
                                 const View& dx, const View& dweight, const View& dbias) {
  const std::int64_t n = x.shape()[1];
  const auto count = static_cast<double>(x.shape()[0]);
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const ColumnLoops<T> loops = column_loops<T>();
    const T *from = data_of<T>(x), *given = data_of<T>(g), *centre = data_of<T>(mean);
    const auto width = static_cast<std::size_t>(n);
    const auto sums = sum_chunks<T>(x, 2 * width, [&](std::int64_t i, std::int64_t rows, T* sum) {
      loops.add_products(rows, n, from + i * n, centre, given + i * n, sum);
    });
    std::vector<T> average(width), slope(width), scale(width);
    for (std::size_t c = 0; c < width; ++c) {
      const T rstd = rstd_of(data_of<T>(variance)[c], epsilon);
      const double product = sums[width + c] * static_cast<double>(rstd);
      data_of<T>(dweight)[c] = static_cast<T>(product);
      data_of<T>(dbias)[c] = static_cast<T>(sums[c]);
      average[c] = static_cast<T>(sums[c] / count);
      slope[c] = static_cast<T>(product / count) * rstd;
      scale[c] = data_of<T>(weight)[c] * rstd;
    }
    for_chunks(x, [&](std::int64_t i, std::int64_t rows) {
      loops.norm_gradient(rows, n, from + i * n, centre, given + i * n, average.data(),
                          slope.data(), scale.data(), data_of<T>(dx) + i * n);
    });
  });
}

}  // namespace gradus::cpu
#endif
