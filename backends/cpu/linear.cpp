// A linear layer with its bias and activation, y = f(x weight^T + bias): these are applied to each
// tile of the product as soon as it is made, while it lies in a cache or in registers. Highway
// compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/linear.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_activations-inl.h"
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>

#include "backends/cpu/kernels.h"
#include "backends/cpu/linear.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

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

template <class T, class F>
HWY_FLATTEN void slope_rows(const void* g_rows, const void* y_rows, std::int64_t rows,
                            std::int64_t n, void* ds_rows, std::int64_t distance, void* dbias) {
  const T* g = static_cast<const T*>(g_rows);
  const T* y = static_cast<const T*>(y_rows);
  T* ds = static_cast<T*>(ds_rows);
  T* sums = static_cast<T*>(dbias);
  const hn::ScalableTag<T> d;
  for (std::int64_t r = 0; r < rows; ++r, g += n, y += n, ds += distance) {
    write_row(sums, n, [&](auto, std::int64_t i, std::int64_t count) HWY_ATTR {
      const auto product = F::gradient(d, load_some(d, y + i, count), load_some(d, g + i, count));
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

LinearLoops linear_loops(UnaryOp f, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(target_loops)(f, dtype);
}

bool linear(Cache& cache, const View& x, const View& weight, const View& bias, UnaryOp f,
            const View& y) {
  const LinearLoops loops = linear_loops(f, x.dtype);
  if (loops.finish == nullptr) return false;
  std::shared_ptr<Buffer> keeper;
  const View b = bias.buffer == nullptr ? bias : contiguous(cache, bias, keeper);
  Finish finish;
  if (bias.buffer != nullptr || f != UnaryOp::copy) {
    finish.function = [&](void* tile, std::int64_t rows, std::int64_t columns,
                          std::int64_t distance, std::int64_t first) {
      loops.finish(tile, rows, columns, distance, element(b, first));
    };
    finish.in_registers = f == UnaryOp::copy || f == UnaryOp::relu;
    finish.bias = element(b, 0);
    if (f == UnaryOp::relu) finish.floor = 0;
  }
  matmul(cache, x, transposed(weight), y, finish);
  return true;
}

}  // namespace gradus::cpu
#endif
