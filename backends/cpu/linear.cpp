// A linear layer with its bias and activation, y = f(x weight^T + bias): these are applied to each
// tile of the product as soon as it is made, while it lies in a cache. Highway compiles this file
// once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/linear.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>

#include "backends/cpu/kernels.h"
#include "backends/cpu/linear.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// f(x), and its slope as a function of y = f(x).
struct Identity {
  template <class D, class V>
  static HWY_INLINE V value(D, V x) {
    return x;
  }
  template <class D, class V>
  static HWY_INLINE V slope(D d, V) {
    return hn::Set(d, hn::TFromD<D>{1});
  }
};
struct Relu {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return hn::IfThenElseZero(hn::Not(hn::Lt(x, hn::Zero(d))), x);  // keeps NaN
  }
  template <class D, class V>
  static HWY_INLINE V slope(D d, V y) {
    return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), hn::Set(d, hn::TFromD<D>{1}));
  }
};
struct Tanh {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return hn::Tanh(d, x);
  }
  template <class D, class V>
  static HWY_INLINE V slope(D d, V y) {
    return hn::NegMulAdd(y, y, hn::Set(d, hn::TFromD<D>{1}));
  }
};
struct Sigmoid {
  template <class D, class V>
  static HWY_INLINE V value(D d, V x) {
    return sigmoid(d, x);
  }
  template <class D, class V>
  static HWY_INLINE V slope(D, V y) {
    return hn::NegMulAdd(y, y, y);
  }
};

// y = f(y + bias), in place; no bias is a null one.
template <class T, class F>
HWY_FLATTEN void finish_tile(void* tile, std::int64_t rows, std::int64_t columns,
                             std::int64_t distance, const void* bias) {
  T* y = static_cast<T*>(tile);
  const T* b = static_cast<const T*>(bias);
  for (std::int64_t r = 0; r < rows; ++r, y += distance) {
    write_row(y, columns, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto x = load_some(d, y + i, count);
      return F::value(d, b == nullptr ? x : hn::Add(x, load_some(d, b + i, count)));
    });
  }
}

// ds = g * f'(y) over rows of n elements, and dbias = the sums of its columns.
template <class T, class F>
HWY_FLATTEN void slope_rows(const void* g_rows, const void* y_rows, std::int64_t rows,
                            std::int64_t n, void* ds_rows, void* dbias) {
  const T* g = static_cast<const T*>(g_rows);
  const T* y = static_cast<const T*>(y_rows);
  T* ds = static_cast<T*>(ds_rows);
  T* sums = static_cast<T*>(dbias);
  std::fill_n(sums, n, T{0});
  const hn::ScalableTag<T> d;
  for (std::int64_t r = 0; r < rows; ++r, g += n, y += n, ds += n) {
    write_row(sums, n, [&](auto, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto slope = F::slope(d, load_some(d, y + i, count));
      const auto product = hn::Mul(load_some(d, g + i, count), slope);
      store_some(d, product, ds + i, count);
      return hn::Add(load_some(d, sums + i, count), product);
    });
  }
}

template <class T>
LinearLoops loops_for(UnaryOp f) {
  switch (f) {
    case UnaryOp::copy: return {finish_tile<T, Identity>, slope_rows<T, Identity>};
    case UnaryOp::relu: return {finish_tile<T, Relu>, slope_rows<T, Relu>};
    case UnaryOp::tanh: return {finish_tile<T, Tanh>, slope_rows<T, Tanh>};
    case UnaryOp::sigmoid: return {finish_tile<T, Sigmoid>, slope_rows<T, Sigmoid>};
    default: return {};
  }
}

LinearLoops target_loops(UnaryOp f, DType dtype) {
  return dispatch_floating(dtype, [f](auto zero) { return loops_for<decltype(zero)>(f); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_loops);

namespace {

void sum_rows(Cache& cache, const View& rows, const View& out) {
  View row = out;
  row.layout.shape = Shape{1, rows.shape()[1]};
  row.layout.strides = {rows.shape()[1], 1};
  reduce(cache, ReduceOp::sum, rows, row);
}

}  // namespace

bool linear(Cache& cache, const View& x, const View& weight, const View& bias, UnaryOp f,
            const View& y) {
  const LinearLoops loops = HWY_DYNAMIC_DISPATCH(target_loops)(f, x.dtype);
  if (loops.finish == nullptr) return false;
  std::shared_ptr<Buffer> keeper;
  const View b = bias.buffer == nullptr ? bias : contiguous(cache, bias, keeper);
  Finish finish;
  if (bias.buffer != nullptr || f != UnaryOp::copy) {
    finish = [&](void* tile, std::int64_t rows, std::int64_t columns, std::int64_t distance,
                 std::int64_t first) {
      loops.finish(tile, rows, columns, distance, element(b, first));
    };
  }
  matmul(cache, x, transposed(weight), y, finish);
  return true;
}

bool linear_gradient(Cache& cache, const View& x, const View& weight, UnaryOp f, const View& y,
                     const View& g, const View& dx, const View& dweight, const View& dbias) {
  const LinearLoops loops = HWY_DYNAMIC_DISPATCH(target_loops)(f, x.dtype);
  if (loops.slope == nullptr) return false;
  const std::int64_t rows = g.shape()[0], n = g.shape()[1];
  View ds = g;
  View sums = g;  // what dbias is the sum of
  std::shared_ptr<Buffer> ds_keeper, sums_keeper;
  if (f != UnaryOp::copy && g.shape().numel() > 0) {
    const std::int64_t chunk = std::max<std::int64_t>(16, kGrain / n);
    const std::int64_t chunks = (rows + chunk - 1) / chunk;
    ds_keeper = cache.allocate(static_cast<std::size_t>(rows * n) * size_of(x.dtype));
    sums_keeper = cache.allocate(static_cast<std::size_t>(chunks * n) * size_of(x.dtype));
    ds = {ds_keeper.get(), x.dtype, Layout(g.shape())};
    sums = {sums_keeper.get(), x.dtype, Layout(Shape{chunks, n})};
    parallel_for(rows, chunk, [&](std::int64_t begin, std::int64_t end) {
      loops.slope(element(g, begin * n), element(y, begin * n), end - begin, n,
                  element(ds, begin * n), element(sums, begin / chunk * n));
    });
  }
  if (dx.buffer != nullptr) matmul(cache, ds, weight, dx);
  if (dweight.buffer != nullptr) matmul(cache, transposed(ds), x, dweight);
  if (dbias.buffer != nullptr) sum_rows(cache, sums, dbias);
  return true;
}

}  // namespace gradus::cpu
#endif
