// The block of a product of matrices that is kept in registers, and the panels that it is multiplied
// from (gemm.h), for the files that Highway compiles once for each kind of CPU.
//
// No #pragma once: Highway includes this again for each target.
#if defined(GRADUS_SIMD_BLOCK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SIMD_BLOCK_INL_H
#undef GRADUS_SIMD_BLOCK_INL_H
#else
#define GRADUS_SIMD_BLOCK_INL_H
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>

#include "backends/cpu/gemm.h"
#include "backends/cpu/simd_fold-inl.h"
#include "backends/cpu/simd_turn-inl.h"

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

// Elements of a piece of k.
constexpr std::int64_t kInner = 320;

template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));
template <class T>
constexpr std::int64_t kColumns = kVectors* kLanes<T>;

// x [n, inner] whose columns are dense, into panels as `pack` makes them: several at a time, so that
// what lies together in memory is read together. Where steps do not divide the width, the last one
// overlaps the one before. The columns that follow are asked for in time: where they are far apart, each
// may begin in a page of memory that nothing has foreseen.
template <std::int64_t kWidth, class T>
HWY_INLINE void pack_dense_columns(Matrix<T> x, std::int64_t n, std::int64_t inner, T* out) {
  constexpr std::int64_t kTogether = 32 * kWidth, kAhead = 3;
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T));
  constexpr std::int64_t kStep = kWidth % kLanes<T> == 0 ? kLanes<T> : kSquare<T>;
  static_assert(kStep <= kWidth);
  const hn::CappedTag<T, static_cast<std::size_t>(kStep)> step;
  for (std::int64_t begin = 0; begin < n; begin += kTogether) {
    const std::int64_t end = std::min(n, begin + kTogether);
    for (std::int64_t p = 0; p < inner; ++p) {
      const T* from = x.data + p * x.column_step;
      for (std::int64_t i = begin; i < end && p + kAhead < inner; i += kLine) {
        hwy::Prefetch(from + kAhead * x.column_step + i);
      }
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
        turn(from + p, x.row_step, out + p * kWidth + at, kWidth);
      }
      for (std::int64_t p = squares; p < inner; ++p) {
        for (std::int64_t r = 0; r < kSide; ++r) {
          out[p * kWidth + at + r] = from[r * x.row_step + p];
        }
      }
    }
  }
}

// Row p of a panel of b.
template <class T>
struct PanelB {
  const T* data;
  HWY_INLINE const T* operator()(std::int64_t p) const { return data + p * kColumns<T>; }
};
// Element (r, p) of a, whose columns are dense (those of a panel lie kRows apart), or whose rows are.
template <class T>
struct ColumnsA {
  const T* data;
  std::int64_t step = kRows;
  HWY_INLINE T operator()(std::int64_t r, std::int64_t p) const { return data[p * step + r]; }
};
template <class T>
struct RowsA {
  std::array<const T*, kRows> rows{};
  HWY_INLINE T operator()(std::int64_t r, std::int64_t p) const {
    return rows[static_cast<std::size_t>(r)][p];
  }
};

// What becomes of a block of c: it is set or added to, and finished where it `ends`: c = max(c + bias,
// floor), as Finish in gemm.h.
template <class T>
struct Put {
  bool add = false;
  bool ends = false;
  const T* bias = nullptr;  // from the block's first column on
  T floor = 0;

  Put from(std::int64_t column) const {
    return {add, ends, bias == nullptr ? nullptr : bias + column, floor};
  }
};

// Puts a block's sums, times alpha, to whole vectors of c. The block is walked once for each step, not once
// with a choice of steps for each vector: compilers would look at every combination of the choices, for
// minutes.
template <std::int64_t kCount, class T, class V = hn::Vec<hn::ScalableTag<T>>>
HWY_INLINE void put_sums(V (&sums)[kCount][kVectors], T alpha, const Put<T>& put, T* c,
                         std::int64_t distance) {
  const hn::ScalableTag<T> d;
  // Unrolled, so that the sums never leave their registers.
  const auto each = [&](const auto& step) HWY_ATTR {
#pragma GCC unroll 12
    for (std::int64_t r = 0; r < kCount; ++r) {
#pragma GCC unroll 2
      for (std::int64_t v = 0; v < kVectors; ++v) {
        step(sums[r][v], c + r * distance + v * kLanes<T>, v);
      }
    }
  };
  const V scale = hn::Set(d, alpha);
  if (put.add) {
    each([&](V& sum, T* to, std::int64_t)
             HWY_ATTR { sum = hn::MulAdd(scale, sum, hn::LoadU(d, to)); });
  } else {
    each([&](V& sum, T*, std::int64_t) HWY_ATTR { sum = hn::Mul(scale, sum); });
  }
  if (put.ends) {
    V bias[kVectors];
    for (std::int64_t v = 0; v < kVectors; ++v) {
      bias[v] = put.bias == nullptr ? hn::Zero(d) : hn::LoadU(d, put.bias + v * kLanes<T>);
    }
    const V floor = hn::Set(d, put.floor);
    each([&](V& sum, T*, std::int64_t v) HWY_ATTR {
      sum = hn::Add(sum, bias[v]);
      sum = hn::IfThenElse(hn::Lt(sum, floor), floor, sum);  // keeps NaN
    });
  }
  each([&](V& sum, T* to, std::int64_t) HWY_ATTR { hn::StoreU(sum, d, to); });
}

// The same, with the same roundings, to fewer columns of c, of sums in memory [rows, kColumns].
template <class T>
HWY_NOINLINE void put_part(const T* sums, std::int64_t rows, T alpha, const Put<T>& put, T* c,
                           std::int64_t distance, std::int64_t columns) {
  const hn::ScalableTag<T> d;
  const auto scale = hn::Set(d, alpha), floor = hn::Set(d, put.floor);
  for (std::int64_t r = 0; r < rows; ++r, sums += kColumns<T>, c += distance) {
    for (std::int64_t i = 0; i < columns; i += kLanes<T>) {
      const std::int64_t count = columns - i;
      auto sum = hn::LoadU(d, sums + i);
      sum = put.add ? hn::MulAdd(scale, sum, load_some(d, c + i, count)) : hn::Mul(scale, sum);
      if (put.ends) {
        const auto zero = hn::Zero(d);
        sum = hn::Add(sum, put.bias == nullptr ? zero : load_some(d, put.bias + i, count));
        sum = hn::IfThenElse(hn::Lt(sum, floor), floor, sum);
      }
      store_some(d, sum, c + i, count);
    }
  }
}

// c [kCount, columns] = alpha * a b, for kCount rows of a and kColumns columns of b, wherever a and b
// find their elements.
template <std::int64_t kCount, class T, class A, class B>
HWY_INLINE void block(std::int64_t inner, T alpha, const A& a, const B& b, const Put<T>& put, T* c,
                      std::int64_t distance, std::int64_t columns) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  // Rows of c may lie a multiple of the cache's size apart: they are slow to come.
  for (std::int64_t r = 0; r < kCount; ++r) hwy::Prefetch(c + r * distance);
  V sums[kCount][kVectors];
  for (auto& row : sums) {
    for (V& sum : row) sum = hn::Zero(d);
  }
  for (std::int64_t p = 0; p < inner; ++p) {
    const T* row = b(p);
    const V b0 = hn::LoadU(d, row), b1 = hn::LoadU(d, row + kLanes<T>);
#pragma GCC unroll 12
    for (std::int64_t r = 0; r < kCount; ++r) {
      const V ar = hn::Set(d, a(r, p));
      sums[r][0] = hn::MulAdd(ar, b0, sums[r][0]);
      sums[r][1] = hn::MulAdd(ar, b1, sums[r][1]);
    }
  }
  if (columns >= kColumns<T>) return put_sums(sums, alpha, put, c, distance);
  HWY_ALIGN T part[kCount * kColumns<T>];
  for (std::int64_t r = 0; r < kCount; ++r) {
    hn::Store(sums[r][0], d, part + r * kColumns<T>);
    hn::Store(sums[r][1], d, part + r * kColumns<T> + kLanes<T>);
  }
  put_part(part, kCount, alpha, put, c, distance, columns);
}

// The same for 1 to kRows rows.
template <class T, class A, class B, std::int64_t kCount = kRows>
HWY_INLINE void block_of(std::int64_t rows, std::int64_t inner, T alpha, const A& a, const B& b,
                         const Put<T>& put, T* c, std::int64_t distance, std::int64_t columns) {
  if constexpr (kCount > 1) {
    if (rows < kCount) {
      return block_of<T, A, B, kCount - 1>(rows, inner, alpha, a, b, put, c, distance, columns);
    }
  }
  block<kCount>(inner, alpha, a, b, put, c, distance, columns);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_SIMD_BLOCK_INL_H
