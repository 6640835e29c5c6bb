// The unary operations, a line each. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/unary_loops.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_activations-inl.h"
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <fmt/format.h>

#include <type_traits>

#include "backends/cpu/loops.h"
#include "tensor/error.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// A loop of f(d, vector) -> vector.
template <class T, class F>
UnaryLoop vector(F) {
  return [](const void* x, void* out, std::int64_t n, bool past_caches) HWY_ATTR HWY_FLATTEN {
    const T* from = static_cast<const T*>(x);
    const auto result = [from](auto d, std::int64_t i, std::int64_t count)
                            HWY_ATTR { return F{}(d, load_some(d, from + i, count)); };
    write_row(static_cast<T*>(out), n, past_caches, std::array{from}, result);
  };
}

// Null where the operation is not defined for T.
template <class T>
UnaryLoop find_unary(UnaryOp op) {
  if constexpr (std::is_same_v<T, bool>) {
    if (op == UnaryOp::logical_not) {  // of bytes that are 0 or 1
      return vector<std::uint8_t>([](auto d, auto x)
                                      HWY_ATTR { return hn::Xor(x, hn::Set(d, std::uint8_t{1})); });
    }
  } else {
    switch (op) {
      case UnaryOp::neg: return vector<T>([](auto, auto x) HWY_ATTR { return hn::Neg(x); });
      case UnaryOp::abs: return vector<T>([](auto, auto x) HWY_ATTR { return hn::Abs(x); });
      case UnaryOp::sign: return vector<T>([](auto d, auto x) HWY_ATTR { return sign(d, x); });
      case UnaryOp::relu:
        return vector<T>([](auto d, auto x) HWY_ATTR { return Relu::value(d, x); });
      default: break;
    }
  }
  if constexpr (std::is_floating_point_v<T>) {
    switch (op) {
      case UnaryOp::sqrt: return vector<T>([](auto, auto x) HWY_ATTR { return hn::Sqrt(x); });
      // The sign of x: -0 stays and -0.3 becomes -0, which Highway may turn into 0.
      case UnaryOp::floor:
        return vector<T>([](auto, auto x) HWY_ATTR { return hn::CopySign(hn::Floor(x), x); });
      case UnaryOp::ceil:
        return vector<T>([](auto, auto x) HWY_ATTR { return hn::CopySign(hn::Ceil(x), x); });
      case UnaryOp::round:
        return vector<T>([](auto, auto x) HWY_ATTR { return hn::CopySign(hn::Round(x), x); });
      case UnaryOp::exp: return vector<T>([](auto d, auto x) HWY_ATTR { return exp(d, x); });
      case UnaryOp::log: return vector<T>([](auto d, auto x) HWY_ATTR { return log(d, x); });
      case UnaryOp::tanh: return vector<T>([](auto d, auto x) HWY_ATTR { return tanh(d, x); });
      case UnaryOp::sigmoid:
        return vector<T>([](auto d, auto x) HWY_ATTR { return sigmoid(d, x); });
      case UnaryOp::erf: return vector<T>([](auto d, auto x) HWY_ATTR { return erf(d, x); });
      case UnaryOp::gelu: return vector<T>([](auto d, auto x) HWY_ATTR { return gelu(d, x); });
      case UnaryOp::expm1: return vector<T>([](auto d, auto x) HWY_ATTR { return expm1(d, x); });
      case UnaryOp::log1p: return vector<T>([](auto d, auto x) HWY_ATTR { return log1p(d, x); });
      case UnaryOp::sin: return vector<T>([](auto d, auto x) HWY_ATTR { return sin(d, x); });
      case UnaryOp::cos: return vector<T>([](auto d, auto x) HWY_ATTR { return cos(d, x); });
      default: break;
    }
  }
  return nullptr;
}

// The compiler makes vectors of it.
template <class From, class To>
void cast_row(const void* x, void* out, std::int64_t n, bool /*past_caches*/) {
  const From* HWY_RESTRICT from = static_cast<const From*>(x);
  To* HWY_RESTRICT to = static_cast<To*>(out);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i]);
}

UnaryLoop target_cast(DType from, DType to) {
  return dispatch(from, [to](auto x) {
    return dispatch(to, [](auto y) -> UnaryLoop { return cast_row<decltype(x), decltype(y)>; });
  });
}

UnaryLoop target_unary(UnaryOp op, DType dtype) {
  return dispatch(dtype, [op](auto zero) { return find_unary<decltype(zero)>(op); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_unary);
HWY_EXPORT(target_cast);

UnaryLoop unary_loop(UnaryOp op, DType dtype) {
  const UnaryLoop loop = HWY_DYNAMIC_DISPATCH(target_unary)(op, dtype);
  if (loop == nullptr) {
    throw DTypeError(fmt::format("[{}] is not defined for {}", name_of(op), name_of(dtype)));
  }
  return loop;
}

UnaryLoop cast_loop(DType from, DType to) { return HWY_DYNAMIC_DISPATCH(target_cast)(from, to); }

}  // namespace gradus::cpu
#endif
