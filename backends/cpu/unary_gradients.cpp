// g * f'(x) over dense arrays. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/unary_gradients.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_activations-inl.h"
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include "backends/cpu/loops.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

template <class T, class F>
HWY_FLATTEN void gradients(const void* known_data, const void* g_data, void* dx, std::int64_t n,
                           bool past_caches) {
  const T* known = static_cast<const T*>(known_data);
  const T* g = static_cast<const T*>(g_data);
  const auto gradient = [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return F::gradient(d, load_some(d, known + i, count), load_some(d, g + i, count));
  };
  write_row(static_cast<T*>(dx), n, past_caches, std::array{known, g}, gradient);
}

template <class T>
BinaryLoop find_gradient(UnaryOp op) {
  switch (op) {
    case UnaryOp::relu: return gradients<T, Relu>;
    case UnaryOp::tanh: return gradients<T, Tanh>;
    case UnaryOp::sigmoid: return gradients<T, Sigmoid>;
    case UnaryOp::erf: return gradients<T, Erf>;
    case UnaryOp::gelu: return gradients<T, Gelu>;
    default: return nullptr;
  }
}

BinaryLoop target_gradient(UnaryOp op, DType dtype) {
  return dispatch_floating(dtype, [op](auto zero) { return find_gradient<decltype(zero)>(op); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_gradient);

BinaryLoop unary_gradient_loop(UnaryOp op, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(target_gradient)(op, dtype);
}

}  // namespace gradus::cpu
#endif
