// Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/gemm.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_block-inl.h"
// clang-format on

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <numeric>

#include "backends/cpu/amx.h"
#include "backends/cpu/bf16.h"
#include "backends/cpu/gemm.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// Of the rows of a and of the bytes of b that are packed at a time.
constexpr std::int64_t kMostRows = 96;
constexpr std::int64_t kMostBytes = 320 * 1024;

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

// What is read next, asked of the memory a little at a time while there is something to multiply: its rows
// are short and far apart, so that nothing else foresees them.
template <class T>
class Ahead {
 public:
  // n rows and m columns of x, whose rows or columns are dense, in so many turns. There may be none.
  Ahead(Matrix<T> x, std::int64_t row, std::int64_t column, std::int64_t n, std::int64_t m,
        std::int64_t turns) {
    if (n <= 0 || m <= 0 || (x.row_step != 1 && x.column_step != 1)) return;
    const bool by_columns = x.row_step == 1;
    next_ = x.from(row, column).data;
    step_ = by_columns ? x.column_step : x.row_step;
    length_ = by_columns ? n : m;
    left_ = by_columns ? m : n;
    share_ = ceil_div(left_, turns);
  }

  HWY_INLINE void ask() {
    constexpr std::int64_t kLine = 64 / sizeof(T);
    for (std::int64_t i = 0; i < share_ && left_ > 0; ++i, --left_, next_ += step_) {
      for (std::int64_t j = 0; j < length_; j += kLine) hwy::Prefetch(next_ + j);
    }
  }

 private:
  const T* next_ = nullptr;
  std::int64_t step_ = 0, length_ = 0, left_ = 0, share_ = 0;
};

// c [rows, columns] from packed b and a, of which the rows i, i + 1, ... of a block are a_at(i): these are
// read once from the first cache for each of b's panels, which come from the second. `ask` is called before
// each block.
template <class T, class A, class Ask>
HWY_INLINE void multiply_blocks(std::int64_t rows, std::int64_t columns, std::int64_t inner,
                                T alpha, const A& a_at, const T* b_panels, const Put<T>& put, T* c,
                                std::int64_t distance, const Ask& ask) {
  for (std::int64_t i = 0; i < rows; i += kRows) {
    const auto a = a_at(i);
    for (std::int64_t j = 0; j < columns; j += kColumns<T>) {
      ask();
      block_of(std::min(kRows, rows - i), inner, alpha, a, PanelB<T>{b_panels + j * inner},
               put.from(j), c + i * distance + j, distance, columns - j);
    }
  }
}

// Lines of the first cache that may lie a multiple of 4 KiB apart, and so share a set.
std::int64_t ways() {
  constexpr std::int64_t kLeast = 4;  // where the system does not say
#ifdef _SC_LEVEL1_DCACHE_ASSOC
  static const std::int64_t count =
      std::max<std::int64_t>(sysconf(_SC_LEVEL1_DCACHE_ASSOC), kLeast);
  return count;
#else
  return kLeast;
#endif
}

// Whether a is better read where it is: copies pay for many columns of b, or where the first cache would
// not hold the lines that a block reads again and again, since they share too few of its sets.
template <class T>
bool read_in_place(Matrix<T> a, std::int64_t columns, std::int64_t k) {
  constexpr std::int64_t kManyColumns = 512, kSetBytes = 4096, kSets = 64;
  const bool by_columns = a.row_step == 1;
  if (columns > kManyColumns || (!by_columns && a.column_step != 1)) return false;
  const std::int64_t step = by_columns ? a.column_step : a.row_step;
  const std::int64_t lines = by_columns ? std::min(k, kInner) : kRows;
  const std::int64_t sets =
      std::min(kSets, kSetBytes / std::gcd(step * static_cast<std::int64_t>(sizeof(T)), kSetBytes));
  return lines <= ways() * sets;
}

template <class T>
HWY_FLATTEN void multiply(std::int64_t m, std::int64_t n, std::int64_t k, T alpha, Matrix<T> a,
                          Matrix<T> b, bool add, T* c, std::int64_t distance,
                          const Ending& ending) {
  static_assert(kMostRows % kRows == 0);
  constexpr std::int64_t kMost =
      kMostBytes / static_cast<std::int64_t>(sizeof(T));  // elements of b
  T* a_panels = panels<T>(kInner * kMostRows + kMost);
  T* b_panels = a_panels + kInner * kMostRows;
  const std::int64_t panels_of_b = kMost / kColumns<T> / std::clamp<std::int64_t>(k, 1, kInner);
  const std::int64_t most_columns = panels_of_b * kColumns<T>;
  const bool in_registers = ending.finish != nullptr && ending.finish->in_registers;
  const bool in_place = read_in_place(a, n, k);
  const auto a_after = [&](std::int64_t row, std::int64_t p, std::int64_t turns) {
    return Ahead<T>(a, row, p, std::min(kMostRows, m - row), std::min(kInner, k - p), turns);
  };
  const auto b_after = [&](std::int64_t p, std::int64_t column, std::int64_t turns) {
    return Ahead<T>(b, p, column, std::min(kInner, k - p), std::min(most_columns, n - column),
                    turns);
  };
  if (k == 0 && !add) {
    for (std::int64_t i = 0; i < m; ++i) std::fill_n(c + i * distance, n, T{0});
  }
  for (std::int64_t column = 0; column < n; column += most_columns) {
    const std::int64_t columns = std::min(most_columns, n - column);
    for (std::int64_t p = 0; p < k; p += kInner) {
      const std::int64_t inner = std::min(kInner, k - p), next = p + inner;
      const std::int64_t across = ceil_div(columns, kColumns<T>);
      const std::int64_t blocks = ceil_div(m, kRows) * across;
      Ahead<T> b_ahead =
          next < k ? b_after(next, column, blocks) : b_after(0, column + columns, blocks);
      pack<kColumns<T>>(b.from(p, column).transposed(), columns, inner, b_panels);
      for (std::int64_t row = 0; row < m; row += kMostRows) {
        const std::int64_t rows = std::min(kMostRows, m - row);
        const Matrix<T> part = a.from(row, p);
        const std::int64_t turns = ceil_div(rows, kRows) * across;
        Ahead<T> a_ahead = row + rows < m ? a_after(row + rows, p, turns) : a_after(0, next, turns);
        const auto ask = [&] {
          a_ahead.ask();
          b_ahead.ask();
        };
        Put<T> put{.add = add || p > 0};
        if (in_registers && next == k) {
          put.ends = true;
          put.bias = static_cast<const T*>(ending.finish->bias);
          put.floor = static_cast<T>(ending.finish->floor);
          if (put.bias != nullptr) put.bias += ending.first_column + column;
        }
        T* to = c + row * distance + column;
        if (in_place && a.row_step != 1) {
          const auto rows_at = [&](std::int64_t i) {
            RowsA<T> block;
            for (std::int64_t r = 0; r < std::min(kRows, rows - i); ++r) {
              block.rows[static_cast<std::size_t>(r)] = part.data + (i + r) * part.row_step;
            }
            return block;
          };
          multiply_blocks(rows, columns, inner, alpha, rows_at, b_panels, put, to, distance, ask);
        } else {
          if (!in_place) pack<kRows>(part, rows, inner, a_panels);
          const auto columns_at = [&](std::int64_t i) {
            return in_place ? ColumnsA<T>{part.data + i, part.column_step}
                            : ColumnsA<T>{a_panels + i * inner};
          };
          multiply_blocks(rows, columns, inner, alpha, columns_at, b_panels, put, to, distance,
                          ask);
        }
        if (next == k && !in_registers) {
          ending.from(column)(to, rows, columns, distance);
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
          Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending,
          MatmulPrecision precision) {
  if (k >= kLeastTileInner && precision == MatmulPrecision::bf16 && has_bf16()) {
    return gemm_bf16(m, n, k, alpha, a, b, add, c, distance, ending);
  }
  if (k >= kLeastTileInner && amx_in_use()) {
    return gemm_amx(m, n, k, alpha, a, b, add, c, distance, ending);
  }
  gemm_vectors(m, n, k, alpha, a, b, add, c, distance, ending);
}
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, double alpha, Matrix<double> a,
          Matrix<double> b, bool add, double* c, std::int64_t distance, const Ending& ending,
          MatmulPrecision) {
  HWY_DYNAMIC_DISPATCH(multiply_doubles)(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu
#endif
