// Products of a few rows with a matrix, as a single text's: each number of the matrix is used so
// seldom that to rearrange it, as gemm does, would take longer than to multiply. Highway compiles this
// file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/few_rows.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include "backends/cpu/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// c [m, n] = a b, a dense along its rows and b down its columns: dot products.
template <class T>
HWY_FLATTEN void dot_products(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<T> a,
                              Matrix<T> b, T* c, std::int64_t distance) {
  for (std::int64_t j = 0; j < n; ++j) {
    const T* y = b.from(0, j).data;
    for (std::int64_t i = 0; i < m; ++i) {
      const T* x = a.from(i, 0).data;
      c[i * distance + j] =
          static_cast<T>(sum_of<T>(k, [&](auto d, std::int64_t p, std::int64_t count) HWY_ATTR {
            return hn::Mul(load_some(d, x + p, count), load_some(d, y + p, count));
          }));
    }
  }
}

void few_rows_of_floats(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a,
                        Matrix<float> b, float* c, std::int64_t distance) {
  dot_products(m, n, k, a, b, c, distance);
}
void few_rows_of_doubles(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<double> a,
                         Matrix<double> b, double* c, std::int64_t distance) {
  dot_products(m, n, k, a, b, c, distance);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(few_rows_of_floats);
HWY_EXPORT(few_rows_of_doubles);

void few_rows(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, Matrix<float> b,
              float* c, std::int64_t distance) {
  HWY_DYNAMIC_DISPATCH(few_rows_of_floats)(m, n, k, a, b, c, distance);
}
void few_rows(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<double> a, Matrix<double> b,
              double* c, std::int64_t distance) {
  HWY_DYNAMIC_DISPATCH(few_rows_of_doubles)(m, n, k, a, b, c, distance);
}

}  // namespace gradus::cpu
#endif
