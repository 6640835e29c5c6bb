// batch_norm (Ioffe and Szegedy, "Batch normalization", 2015) and its gradient: each channel of a
// dense [batch, channels, n] by itself, its numbers lying in `batch` rows of n. Highway compiles this
// file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/batch_norm.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <cmath>

#include "backends/cpu/batch_norm.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// The rows of one channel.
struct Rows {
  std::int64_t count, size, first, distance;

  Rows(const View& x, std::int64_t channel)
      : count(x.shape()[0]),
        size(x.shape()[2]),
        first(channel * size),
        distance(x.shape()[1] * size) {}
  double numbers() const { return static_cast<double>(count * size); }
  std::int64_t row(std::int64_t i) const { return first + i * distance; }
};

// y = (x - mean) * rstd * weight + bias, rstd = 1 / sqrt(variance + epsilon).
template <class T>
HWY_FLATTEN void norm_channel(const Rows& rows, const T* x, T weight, T bias, double epsilon, T* y,
                              T* mean_out, T* variance_out) {
  double total = 0, squares = 0;
  for (std::int64_t i = 0; i < rows.count; ++i) total += sum_row(x + rows.row(i), rows.size);
  const T mean = static_cast<T>(total / rows.numbers());
  for (std::int64_t i = 0; i < rows.count; ++i) {
    const T* from = x + rows.row(i);
    squares += sum_of<T>(rows.size, [&](auto d, std::int64_t j, std::int64_t count) HWY_ATTR {
      const auto centred = hn::Sub(load_some(d, from + j, count, mean), hn::Set(d, mean));
      return hn::Mul(centred, centred);
    });
  }
  const T variance = static_cast<T>(squares / rows.numbers()), rstd = rstd_of(variance, epsilon);
  for (std::int64_t i = 0; i < rows.count; ++i) {
    const T* from = x + rows.row(i);
    write_row(y + rows.row(i), rows.size, [&](auto d, std::int64_t j, std::int64_t count) HWY_ATTR {
      const auto centred = hn::Sub(load_some(d, from + j, count), hn::Set(d, mean));
      return hn::MulAdd(centred, hn::Set(d, rstd * weight), hn::Set(d, bias));
    });
  }
  *mean_out = mean;
  *variance_out = variance;
}

// With n = (x - mean) * rstd:
//   dbias = sum(g),   dweight = sum(g * n),   dx = weight * rstd * (g - average(g) - n * average(g * n)).
template <class T>
HWY_FLATTEN void norm_gradient_channel(const Rows& rows, const T* x, T weight, T mean, T rstd,
                                       const T* g, T* dx, T* dweight, T* dbias) {
  double sum = 0, product = 0;
  for (std::int64_t i = 0; i < rows.count; ++i) {
    const T *from = x + rows.row(i), *gradient = g + rows.row(i);
    sum += sum_row(gradient, rows.size);
    product += sum_of<T>(rows.size, [&](auto d, std::int64_t j, std::int64_t count) HWY_ATTR {
      const auto centred = hn::Sub(load_some(d, from + j, count, mean), hn::Set(d, mean));
      return hn::Mul(load_some(d, gradient + j, count), centred);
    });
  }
  product *= static_cast<double>(rstd);
  const T g_average = static_cast<T>(sum / rows.numbers());
  const T slope = static_cast<T>(product / rows.numbers()) * rstd;
  for (std::int64_t i = 0; i < rows.count; ++i) {
    const T *from = x + rows.row(i), *gradient = g + rows.row(i);
    write_row(dx + rows.row(i), rows.size,
              [&](auto d, std::int64_t j, std::int64_t count) HWY_ATTR {
                const auto centred = hn::Sub(load_some(d, from + j, count), hn::Set(d, mean));
                const auto rest = hn::Sub(load_some(d, gradient + j, count), hn::Set(d, g_average));
                return hn::Mul(hn::NegMulAdd(centred, hn::Set(d, slope), rest),
                               hn::Set(d, weight * rstd));
              });
  }
  *dweight = static_cast<T>(product);
  *dbias = static_cast<T>(sum);
}

void norm_channels(const View& x, const View& weight, const View& bias, double epsilon,
                   const View& y, const View& mean, const View& variance, std::int64_t begin,
                   std::int64_t end) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t c = begin; c < end; ++c) {
      norm_channel(Rows(x, c), data_of<T>(x), data_of<T>(weight)[c], data_of<T>(bias)[c], epsilon,
                   data_of<T>(y), data_of<T>(mean) + c, data_of<T>(variance) + c);
    }
  });
}

void norm_gradient_channels(const View& x, const View& weight, const View& mean,
                            const View& variance, double epsilon, const View& g, const View& dx,
                            const View& dweight, const View& dbias, std::int64_t begin,
                            std::int64_t end) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t c = begin; c < end; ++c) {
      norm_gradient_channel(Rows(x, c), data_of<T>(x), data_of<T>(weight)[c], data_of<T>(mean)[c],
                            rstd_of(data_of<T>(variance)[c], epsilon), data_of<T>(g),
                            data_of<T>(dx), data_of<T>(dweight) + c, data_of<T>(dbias) + c);
    }
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(norm_channels);
HWY_EXPORT(norm_gradient_channels);

constexpr std::int64_t kShortestRow = 8;  // of a few numbers they are no use

bool batch_norm(const View& x, const View& weight, const View& bias, double epsilon, const View& y,
                const View& mean, const View& variance) {
  if (x.shape()[2] == 1) {
    batch_norm_columns(x, weight, bias, epsilon, y, mean, variance);
    return true;
  }
  if (x.shape()[2] < kShortestRow) return false;
  parallel_for(x.shape()[1], 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(norm_channels)(x, weight, bias, epsilon, y, mean, variance, begin, end);
  });
  return true;
}

void batch_norm_gradient(const View& x, const View& weight, const View& mean, const View& variance,
                         double epsilon, const View& g, const View& dx, const View& dweight,
                         const View& dbias) {
  if (x.shape()[2] == 1) {
    return batch_norm_columns_gradient(x, weight, mean, variance, epsilon, g, dx, dweight, dbias);
  }
  parallel_for(x.shape()[1], 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(norm_gradient_channels)
    (x, weight, mean, variance, epsilon, g, dx, dweight, dbias, begin, end);
  });
}

}  // namespace gradus::cpu
#endif
