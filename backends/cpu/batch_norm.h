// What batch_norm (batch_norm.cpp) is made of where each channel is a column (batch_norm_columns.cpp).
#pragma once

#include <cmath>
#include <cstdint>

#include "tensor/backend.h"

namespace gradus::cpu {

template <class T>
T rstd_of(T variance, double epsilon) {
  return static_cast<T>(1 / std::sqrt(static_cast<double>(variance) + epsilon));
}

// Loops over `rows` rows of n numbers, compiled for each kind of CPU.
template <class T>
struct ColumnLoops {
  void (*add)(std::int64_t rows, std::int64_t n, const T* x, T* sum);
  void (*add_squares)(std::int64_t rows, std::int64_t n, const T* x, const T* mean, T* sum);
  void (*add_products)(std::int64_t rows, std::int64_t n, const T* x, const T* mean, const T* g,
                       T* sum);
  void (*norm)(std::int64_t rows, std::int64_t n, const T* x, const T* mean, const T* slope,
               const T* start, T* y);
  void (*norm_gradient)(std::int64_t rows, std::int64_t n, const T* x, const T* mean, const T* g,
                        const T* average, const T* slope, const T* scale, T* dx);
};

// x, y, g and dx are [batch, channels, 1].
void batch_norm_columns(const View& x, const View& weight, const View& bias, double epsilon,
                        const View& y, const View& mean, const View& variance);
void batch_norm_columns_gradient(const View& x, const View& weight, const View& mean,
                                 const View& variance, double epsilon, const View& g,
                                 const View& dx, const View& dweight, const View& dbias);

}  // namespace gradus::cpu
