// Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/gemm.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_block-inl.h"
// clang-format on

#include <algorithm>
#include <memory>
#include <new>

#include "backends/cpu/amx.h"
#include "backends/cpu/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// Of the rows of a and of the columns of b that are packed at a time.
constexpr std::int64_t kMostRows = 96;
constexpr std::int64_t kMostColumns = 1024;

template <class T>
T* panels(std::int64_t count) {
  struct Free {
    void operator()(T* data) const { ::operator delete (data, std::align_val_t{64}); }
  };
  thread_local std::unique_ptr<T, Free> memory;
  if (!memory) {
    memory.reset(static_cast<T*>(
        ::operator new (static_cast<std::size_t>(count) * sizeof(T), std::align_val_t{64})));
  }
  return memory.get();
}

template <class T>
bool whole_vectors(const T* begin) {
  return reinterpret_cast<std::uintptr_t>(begin) % (kLanes<T> * sizeof(T)) == 0;
}

template <class T>
HWY_FLATTEN void multiply(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, Matrix<T> a,
                          Matrix<T> b, bool add, T* c, std::int64_t distance,
                          const Ending& ending) {
  static_assert(kMostRows % kRows == 0 && kMostColumns % kColumns<T> == 0);
  T* a_panels = panels<T>(kInner * (kMostRows + kMostColumns));
  T* b_panels = a_panels + kInner * kMostRows;
  const bool past = ending.past_caches && ending.finish == nullptr && k <= kInner &&
                    whole_vectors(c) && whole_vectors(c + distance);
  const Put first = past ? Put::set_past_caches : Put::set;
  for (std::int64_t column = 0; column < n; column += kMostColumns) {
    const std::int64_t columns = std::min(kMostColumns, n - column);
    for (std::int64_t p = 0; p < k; p += kInner) {
      const std::int64_t inner = std::min(kInner, k - p);
      pack<kColumns<T>>(b.from(p, column).transposed(), columns, inner, b_panels);
      for (std::int64_t row = 0; row < m; row += kMostRows) {
        const std::int64_t rows = std::min(kMostRows, m - row);
        pack<kRows>(a.from(row, p), rows, inner, a_panels);
        for (std::int64_t j = 0; j < columns; j += kColumns<T>) {
          for (std::int64_t i = 0; i < rows; i += kRows) {
            block_of(std::min(kRows, rows - i), inner, alpha, PanelA<T>{a_panels + i * inner},
                     PanelB<T>{b_panels + j * inner}, add || p > 0 ? Put::add : first,
                     c + (row + i) * distance + column + j, distance, columns - j);
          }
        }
        if (p + inner == k) {
          ending.from(column)(c + row * distance + column, rows, columns, distance);
        }
      }
    }
  }
  if (past) hwy::FlushStream();
}

void multiply_floats(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                     Matrix<float> b, bool add, float* c, std::int64_t distance,
                     const Ending& ending) {
  multiply(m, n, k, alpha, a, b, add, c, distance, ending);
}
void multiply_doubles(std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
                      Matrix<double> a, Matrix<double> b, bool add, double* c,
                      std::int64_t distance, const Ending& ending) {
  multiply(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(multiply_floats);
HWY_EXPORT(multiply_doubles);

// Shorter sums would leave most of a tile empty.
constexpr std::int64_t kLeastTileInner = 16;

void gemm_vectors(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                  Matrix<float> b, bool add, float* c, std::int64_t distance,
                  const Ending& ending) {
  HWY_DYNAMIC_DISPATCH(multiply_floats)(m, n, k, alpha, a, b, add, c, distance, ending);
}

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
          Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending) {
  if (k >= kLeastTileInner && amx_in_use()) {
    return gemm_amx(m, n, k, alpha, a, b, add, c, distance, ending);
  }
  gemm_vectors(m, n, k, alpha, a, b, add, c, distance, ending);
}
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, double alpha, Matrix<double> a,
          Matrix<double> b, bool add, double* c, std::int64_t distance, const Ending& ending) {
  HWY_DYNAMIC_DISPATCH(multiply_doubles)(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu
#endif
