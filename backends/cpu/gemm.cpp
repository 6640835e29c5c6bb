// Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/gemm.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <hwy/cache_control.h>

#include <algorithm>
#include <memory>
#include <new>

#include "backends/cpu/amx.h"
#include "backends/cpu/gemm.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// A block of c in registers has kRows rows of kVectors vectors: 24 accumulators where there are 32
// registers, 12 where there are 16.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr std::int64_t kRows = 12;
#else
constexpr std::int64_t kRows = 6;
#endif
constexpr std::int64_t kVectors = 2;

// Elements of a piece of k, of the rows of a and of the columns of b that are packed at a time.
constexpr std::int64_t kInner = 256;
constexpr std::int64_t kMostRows = 96;
constexpr std::int64_t kMostColumns = 1024;

template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));
template <class T>
constexpr std::int64_t kColumns = kVectors* kLanes<T>;

// Squares of this size are turned in registers.
template <class T>
constexpr std::int64_t kSquare = HWY_TARGET == HWY_SCALAR ? 1 : 16 / sizeof(T);

// Four rows of four (f32), or two of two (f64), turned: rows of x lie `step` apart, those of `out`
// `width`.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void turn(D d, const T* x, std::int64_t step, T* out, std::int64_t width) {
#if HWY_TARGET == HWY_SCALAR
  (void)d, (void)step, (void)width;
  *out = *x;
#else
  if constexpr (sizeof(T) == 8) {
    const auto a = hn::LoadU(d, x), b = hn::LoadU(d, x + step);
    hn::StoreU(hn::InterleaveLower(d, a, b), d, out);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, out + width);
  } else {
    const auto a = hn::LoadU(d, x), b = hn::LoadU(d, x + step);
    const auto c = hn::LoadU(d, x + 2 * step), e = hn::LoadU(d, x + 3 * step);
    const auto ac = hn::InterleaveLower(d, a, c), be = hn::InterleaveLower(d, b, e);
    const auto ac_upper = hn::InterleaveUpper(d, a, c), be_upper = hn::InterleaveUpper(d, b, e);
    hn::StoreU(hn::InterleaveLower(d, ac, be), d, out);
    hn::StoreU(hn::InterleaveUpper(d, ac, be), d, out + width);
    hn::StoreU(hn::InterleaveLower(d, ac_upper, be_upper), d, out + 2 * width);
    hn::StoreU(hn::InterleaveUpper(d, ac_upper, be_upper), d, out + 3 * width);
  }
#endif
}

// x [n, inner] whose columns are dense, into panels as `pack` makes them: several at a time, so that
// what lies together in memory is read together. Where steps do not divide the width, the last one
// overlaps the one before.
template <std::int64_t kWidth, class T>
HWY_INLINE void pack_dense_columns(Matrix<T> x, std::int64_t n, std::int64_t inner, T* out) {
  constexpr std::int64_t kTogether = 32 * kWidth;
  constexpr std::int64_t kStep = kWidth % kLanes<T> == 0 ? kLanes<T> : kSquare<T>;
  static_assert(kStep <= kWidth);
  const hn::CappedTag<T, static_cast<std::size_t>(kStep)> step;
  for (std::int64_t begin = 0; begin < n; begin += kTogether) {
    const std::int64_t end = std::min(n, begin + kTogether);
    for (std::int64_t p = 0; p < inner; ++p) {
      const T* from = x.data + p * x.column_step;
      for (std::int64_t i = begin; i < end; i += kWidth) {
        T* to = out + i * inner + p * kWidth;
        if (end - i < kWidth) {
          std::fill(std::copy(from + i, from + end, to), to + kWidth, T{0});
          break;
        }
#pragma GCC unroll 4
        for (std::int64_t j = 0; j < kWidth; j += kStep) {
          const std::int64_t at = std::min(j, kWidth - kStep);
          hn::StoreU(hn::LoadU(step, from + i + at), step, to + at);
        }
      }
    }
  }
}

// Packs x [n, inner] into panels [inner][kWidth] of kWidth rows each, the last filled up with zeros.
template <std::int64_t kWidth, class T>
HWY_INLINE void pack(Matrix<T> x, std::int64_t n, std::int64_t inner, T* out) {
  if (x.row_step == 1) return pack_dense_columns<kWidth>(x, n, inner, out);
  constexpr std::int64_t kSide = kSquare<T>;
  const hn::FixedTag<T, kSide> square;
  for (std::int64_t begin = 0; begin < n; begin += kWidth, out += kWidth * inner) {
    const std::int64_t width = std::min(kWidth, n - begin);
    const Matrix<T> rows = x.from(begin, 0);
    if (width < kWidth) std::fill_n(out, kWidth * inner, T{0});
    if (x.column_step != 1 || width < kSide) {
      for (std::int64_t i = 0; i < width; ++i) {
        for (std::int64_t p = 0; p < inner; ++p) {
          out[p * kWidth + i] = rows.data[i * x.row_step + p * x.column_step];
        }
      }
      continue;
    }
    const std::int64_t squares = inner / kSide * kSide;
    for (std::int64_t i = 0; i < width; i += kSide) {
      const std::int64_t at = std::min(i, width - kSide);  // the last ones may overlap
      const T* from = rows.data + at * x.row_step;
      for (std::int64_t p = 0; p < squares; p += kSide) {
        turn(square, from + p, x.row_step, out + p * kWidth + at, kWidth);
      }
      for (std::int64_t p = squares; p < inner; ++p) {
        for (std::int64_t r = 0; r < kSide; ++r) {
          out[p * kWidth + at + r] = from[r * x.row_step + p];
        }
      }
    }
  }
}

// c [kCount, columns] = alpha * a b (+ c, if `add`) for one panel of each.
template <std::int64_t kCount, class T>
HWY_INLINE void block(std::int64_t inner, T alpha, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b,
                      bool add, T* c, std::int64_t distance, std::int64_t columns) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  // Rows of c may lie a multiple of the cache's size apart: they are slow to come.
  for (std::int64_t r = 0; r < kCount; ++r) hwy::Prefetch(c + r * distance);
  V sums[kCount][kVectors];
  for (auto& row : sums) {
    for (V& sum : row) sum = hn::Zero(d);
  }
  for (std::int64_t p = 0; p < inner; ++p, a += kRows, b += kColumns<T>) {
    const V b0 = hn::LoadU(d, b), b1 = hn::LoadU(d, b + kLanes<T>);
#pragma GCC unroll 12
    for (std::int64_t r = 0; r < kCount; ++r) {
      const V ar = hn::Set(d, a[r]);
      sums[r][0] = hn::MulAdd(ar, b0, sums[r][0]);
      sums[r][1] = hn::MulAdd(ar, b1, sums[r][1]);
    }
  }
  const V scale = hn::Set(d, alpha);
  if (columns >= kColumns<T>) {  // unrolled, so that the sums never leave their registers
#pragma GCC unroll 12
    for (std::int64_t r = 0; r < kCount; ++r, c += distance) {
#pragma GCC unroll 2
      for (std::int64_t v = 0; v < kVectors; ++v) {
        T* to = c + v * kLanes<T>;
        hn::StoreU(
            add ? hn::MulAdd(scale, sums[r][v], hn::LoadU(d, to)) : hn::Mul(scale, sums[r][v]), d,
            to);
      }
    }
    return;
  }
#pragma GCC unroll 12
  for (std::int64_t r = 0; r < kCount; ++r, c += distance) {
#pragma GCC unroll 2
    for (std::int64_t v = 0; v < kVectors; ++v) {
      T* to = c + v * kLanes<T>;
      const std::int64_t count = std::max<std::int64_t>(columns - v * kLanes<T>, 0);
      const V before = add ? load_some(d, to, count) : hn::Zero(d);
      store_some(d, hn::MulAdd(scale, sums[r][v], before), to, count);
    }
  }
}

// The same for 1 to kRows rows.
template <class T, std::int64_t kCount = kRows>
HWY_INLINE void block_of(std::int64_t rows, std::int64_t inner, T alpha, const T* a, const T* b,
                         bool add, T* c, std::int64_t distance, std::int64_t columns) {
  if constexpr (kCount > 1) {
    if (rows < kCount) {
      return block_of<T, kCount - 1>(rows, inner, alpha, a, b, add, c, distance, columns);
    }
  }
  block<kCount>(inner, alpha, a, b, add, c, distance, columns);
}

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
HWY_FLATTEN void multiply(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, Matrix<T> a,
                          Matrix<T> b, bool add, T* c, std::int64_t distance,
                          const Ending& ending) {
  static_assert(kMostRows % kRows == 0 && kMostColumns % kColumns<T> == 0);
  T* a_panels = panels<T>(kInner * (kMostRows + kMostColumns));
  T* b_panels = a_panels + kInner * kMostRows;
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
            block_of<T>(std::min(kRows, rows - i), inner, alpha, a_panels + i * inner,
                        b_panels + j * inner, add || p > 0, c + (row + i) * distance + column + j,
                        distance, columns - j);
          }
        }
        if (p + inner == k) {
          ending.from(column)(c + row * distance + column, rows, columns, distance);
        }
      }
    }
  }
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
