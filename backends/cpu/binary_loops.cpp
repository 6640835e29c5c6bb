// The binary operations and select, a line each. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/binary_loops.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

#include "backends/cpu/loops.h"
#include "tensor/error.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// A loop of f(x, y) -> out; the compiler makes vectors of it.
template <class T, class F>
BinaryLoop simple(F) {
  return [](const void* a, const void* b, void* out, std::int64_t n, bool /*past_caches*/)
             HWY_ATTR {
               using R = decltype(F{}(T{}, T{}));
               const T* HWY_RESTRICT x = static_cast<const T*>(a);
               const T* HWY_RESTRICT y = static_cast<const T*>(b);
               R* HWY_RESTRICT to = static_cast<R*>(out);
               for (std::int64_t i = 0; i < n; ++i) to[i] = F{}(x[i], y[i]);
             };
}

// A loop of f(vector, vector) -> vector.
template <class T, class F>
BinaryLoop vector(F) {
  return [](const void* a, const void* b, void* out, std::int64_t n, bool past_caches) HWY_ATTR {
    const T* x = static_cast<const T*>(a);
    const T* y = static_cast<const T*>(b);
    const auto result = [x, y](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      return F{}(load_some(d, x + i, count), load_some(d, y + i, count));
    };
    write_row(static_cast<T*>(out), n, past_caches, std::array{x, y}, result);
  };
}

// Whole numbers: x / 0 = 0, and the one quotient that does not fit wraps around.
template <class T>
T divide(T x, T y) {
  if (y == 0) return 0;
  if (y == -1) return static_cast<T>(0u - static_cast<std::make_unsigned_t<T>>(x));
  return x / y;
}

// x where it is the one wanted or NaN, else y.
template <class M, class V>
HWY_INLINE V either(M wanted, V x, V y) {
  return hn::IfThenElse(hn::Or(wanted, hn::Not(hn::Eq(x, x))), x, y);
}

// Null where the operation is not defined for T.
template <class T>
BinaryLoop find_binary(BinaryOp op) {
  if constexpr (!std::is_same_v<T, bool>) {
    switch (op) {
      case BinaryOp::add: return vector<T>([](auto x, auto y) HWY_ATTR { return hn::Add(x, y); });
      case BinaryOp::sub: return vector<T>([](auto x, auto y) HWY_ATTR { return hn::Sub(x, y); });
      case BinaryOp::mul: return vector<T>([](auto x, auto y) HWY_ATTR { return hn::Mul(x, y); });
      case BinaryOp::div:
        if constexpr (std::is_floating_point_v<T>) {
          return vector<T>([](auto x, auto y) HWY_ATTR { return hn::Div(x, y); });
        } else {
          return simple<T>([](T x, T y) { return divide(x, y); });
        }
      case BinaryOp::pow:
        if constexpr (std::is_floating_point_v<T>) {
          return vector<T>([](auto x, auto y)
                               HWY_ATTR { return pow(hn::DFromV<decltype(x)>(), x, y); });
        } else {
          return simple<T>([](T x, T y) { return static_cast<T>(std::pow(x, y)); });
        }
      case BinaryOp::max:
        return vector<T>([](auto x, auto y) HWY_ATTR { return either(hn::Gt(x, y), x, y); });
      case BinaryOp::min:
        return vector<T>([](auto x, auto y) HWY_ATTR { return either(hn::Lt(x, y), x, y); });
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

// True where the byte is not 0.
template <class D, class V>
HWY_INLINE hn::Mask<D> mask_of(D d, V bytes) {
  const hn::RebindToUnsigned<D> words;
  const hn::Rebind<std::uint32_t, D> quads;
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return hn::RebindMask(d, hn::Ne(hn::PromoteTo(quads, bytes), hn::Zero(words)));
  } else {
    const auto wide = hn::PromoteTo(words, hn::PromoteTo(quads, bytes));
    return hn::RebindMask(d, hn::Ne(wide, hn::Zero(words)));
  }
}

template <class T>
void choose(const bool* cond, const void* a, const void* b, void* out, std::int64_t n,
            bool past_caches) {
  const T* x = static_cast<const T*>(a);
  const T* y = static_cast<const T*>(b);
  if constexpr (std::is_same_v<T, bool>) {
    T* HWY_RESTRICT to = static_cast<T*>(out);
    for (std::int64_t i = 0; i < n; ++i) to[i] = (cond[i] & x[i]) | (!cond[i] & y[i]);
  } else {
    const auto* test = reinterpret_cast<const std::uint8_t*>(cond);
    const auto result = [=](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
      const hn::Rebind<std::uint8_t, decltype(d)> bytes;
      return hn::IfThenElse(mask_of(d, load_some(bytes, test + i, count)),
                            load_some(d, x + i, count), load_some(d, y + i, count));
    };
    write_row(static_cast<T*>(out), n, past_caches, std::array{x, y}, result);
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
