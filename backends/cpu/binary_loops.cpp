// The binary operations and select, a line each. Highway compiles this file once for each kind of
// CPU; the loops are plain and the compiler makes vectors of them.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/binary_loops.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

#include "backends/cpu/loops.h"
#include "tensor/error.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

template <class T, class F>
BinaryLoop simple(F) {
  return [](const void* a, const void* b, void* out, std::int64_t n) HWY_ATTR {
    using R = decltype(F{}(T{}, T{}));
    const T* HWY_RESTRICT x = static_cast<const T*>(a);
    const T* HWY_RESTRICT y = static_cast<const T*>(b);
    R* HWY_RESTRICT to = static_cast<R*>(out);
    for (std::int64_t i = 0; i < n; ++i) to[i] = F{}(x[i], y[i]);
  };
}

// Whole numbers: x / 0 = 0, and the one quotient that does not fit wraps around.
template <class T>
T divide(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    if (y == 0) return 0;
    if (y == -1) return static_cast<T>(0u - static_cast<std::make_unsigned_t<T>>(x));
  }
  return x / y;
}

// Null where the operation is not defined for T.
template <class T>
BinaryLoop find_binary(BinaryOp op) {
  if constexpr (!std::is_same_v<T, bool>) {
    switch (op) {
      case BinaryOp::add: return simple<T>([](T x, T y) -> T { return x + y; });
      case BinaryOp::sub: return simple<T>([](T x, T y) -> T { return x - y; });
      case BinaryOp::mul: return simple<T>([](T x, T y) -> T { return x * y; });
      case BinaryOp::div: return simple<T>([](T x, T y) -> T { return divide(x, y); });
      case BinaryOp::pow: return simple<T>([](T x, T y) { return static_cast<T>(std::pow(x, y)); });
      case BinaryOp::max: return simple<T>([](T x, T y) { return (x > y) | (x != x) ? x : y; });
      case BinaryOp::min: return simple<T>([](T x, T y) { return (x < y) | (x != x) ? x : y; });
      default: break;
    }
  } else {
    switch (op) {
      case BinaryOp::logical_and: return simple<T>([](T x, T y) -> bool { return x & y; });
      case BinaryOp::logical_or: return simple<T>([](T x, T y) -> bool { return x | y; });
      default: break;
    }
  }
  switch (op) {
    case BinaryOp::eq: return simple<T>([](T x, T y) { return x == y; });
    case BinaryOp::ne: return simple<T>([](T x, T y) { return x != y; });
    case BinaryOp::lt: return simple<T>([](T x, T y) { return x < y; });
    case BinaryOp::le: return simple<T>([](T x, T y) { return x <= y; });
    case BinaryOp::gt: return simple<T>([](T x, T y) { return x > y; });
    case BinaryOp::ge: return simple<T>([](T x, T y) { return x >= y; });
    default: return nullptr;
  }
}

BinaryLoop target_binary(BinaryOp op, DType dtype) {
  return dispatch(dtype, [op](auto zero) { return find_binary<decltype(zero)>(op); });
}

template <class T>
void choose(const bool* HWY_RESTRICT cond, const void* a, const void* b, void* out,
            std::int64_t n) {
  const T* HWY_RESTRICT x = static_cast<const T*>(a);
  const T* HWY_RESTRICT y = static_cast<const T*>(b);
  T* HWY_RESTRICT to = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) {
    const T yes = x[i];  // read both, so that no branch is needed
    const T no = y[i];
    to[i] = cond[i] ? yes : no;
  }
}

SelectLoop target_select(DType dtype) {
  return dispatch(dtype, [](auto zero) -> SelectLoop { return choose<decltype(zero)>; });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_binary);
HWY_EXPORT(target_select);

BinaryLoop binary_loop(BinaryOp op, DType dtype) {
  const BinaryLoop loop = HWY_DYNAMIC_DISPATCH(target_binary)(op, dtype);
  if (loop == nullptr) {
    throw DTypeError(fmt::format("[{}] is not defined for {}", name_of(op), name_of(dtype)));
  }
  return loop;
}

SelectLoop select_loop(DType dtype) { return HWY_DYNAMIC_DISPATCH(target_select)(dtype); }

}  // namespace gradus::cpu
#endif
