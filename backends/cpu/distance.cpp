// Squared distances of the rows of two matrices, ||p - q||^2 = p.p + q.q - 2 p.q: a product, of which
// each tile becomes distances while it lies in a cache. Highway compiles this file once for each kind of
// CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/distance.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include "backends/cpu/gemm.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// x.x for each row x of n numbers.
HWY_FLATTEN void square_rows(DType dtype, const void* rows, std::int64_t count, std::int64_t n,
                             void* out) {
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = static_cast<const T*>(rows);
    for (std::int64_t r = 0; r < count; ++r, x += n) {
      const auto square = [x](auto d, std::int64_t i, std::int64_t some) HWY_ATTR {
        const auto v = load_some(d, x + i, some);
        return hn::Mul(v, v);
      };
      static_cast<T*>(out)[r] = static_cast<T>(sum_of<T>(n, square));
    }
  });
}

// c = max(pp + qq - 2 c, 0), a row: c holds the products p.q, and qq as many q.q. NaN stays.
HWY_FLATTEN void finish_row(DType dtype, void* c, std::int64_t columns, const void* pp,
                            const void* qq) {
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* row = static_cast<T*>(c);
    const T* squares = static_cast<const T*>(qq);
    write_row(row, columns, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto both =
          hn::Add(hn::Set(d, *static_cast<const T*>(pp)), load_some(d, squares + i, count));
      const auto distance = hn::MulAdd(hn::Set(d, T{-2}), load_some(d, row + i, count), both);
      return hn::IfThenElse(hn::Lt(distance, hn::Zero(d)), hn::Zero(d), distance);
    });
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(square_rows);
HWY_EXPORT(finish_row);

namespace {

// x.x for each row x of a dense view: its shape without the last axis, in memory that `keeper` holds.
View squares_of(Cache& cache, const View& x, std::shared_ptr<Buffer>& keeper) {
  const std::int64_t n = x.shape()[-1], rows = x.shape().without(-1).numel();
  keeper = cache.allocate(static_cast<std::size_t>(rows) * size_of(x.dtype));
  const View sums{keeper.get(), x.dtype, Layout(x.shape().without(-1))};
  parallel_for(rows, kGrain / (n + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(square_rows)
    (x.dtype, element(x, begin * n), end - begin, n, element(sums, begin));
  });
  return sums;
}

}  // namespace

void squared_distance(Cache& cache, const View& a, const View& b, const View& out) {
  std::shared_ptr<Buffer> dense_a, dense_b, room_a, room_b;
  const View p = contiguous(cache, a, dense_a), q = contiguous(cache, b, dense_b);
  const View pp = squares_of(cache, p, room_a), qq = squares_of(cache, q, room_b);
  const std::int64_t m = out.shape()[-2], n = out.shape()[-1];
  Finish finish;
  finish.function = [&](void* tile, std::int64_t rows, std::int64_t columns, std::int64_t distance,
                        std::int64_t first_column) {
    const auto width = static_cast<std::int64_t>(size_of(out.dtype));
    auto* c = static_cast<std::byte*>(tile);
    std::int64_t row = (c - element(out, 0)) / width / n;  // of all items' rows
    for (std::int64_t end = row + rows; row < end; ++row, c += distance * width) {
      HWY_DYNAMIC_DISPATCH(finish_row)
      (out.dtype, c, columns, element(pp, row), element(qq, row / m * n + first_column));
    }
  };
  // Near rows: what is left of the sums needs all the digits of the products.
  matmul(cache, p, transposed(q), out, finish, MatmulPrecision::f32);
}

}  // namespace gradus::cpu
#endif
