// The element types of a tensor: f32 (the default), f64 (for gradient checks), i32 (for indices)
// and boolean (for masks; one byte per element).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <string_view>
#include <type_traits>

namespace gradus {

// masked_fill(scores, mask, -kInfinity)
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

enum class DType : std::uint8_t { f32, f64, i32, boolean };

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return 4;
    case DType::f64: return 8;
    case DType::i32: return 4;
    case DType::boolean: return 1;
  }
  return 0;
}

constexpr std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::f32: return "f32";
    case DType::f64: return "f64";
    case DType::i32: return "i32";
    case DType::boolean: return "boolean";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, DType dtype);

constexpr bool is_floating(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }

// From the C++ type of an element to its dtype: dtype_of<float> == DType::f32.
template <class T>
inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "tensors hold float, double, std::int32_t or bool");
  return DType::f32;
}();
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<bool> = DType::boolean;

// The C++ types that tensors are made from and read as (tensor/tensor.h). Integers are kept as i32.
template <class T>
concept Element = std::same_as<T, float> || std::same_as<T, double> ||
    std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> || std::same_as<T, bool>;

// Calls `f` with a value of the C++ type behind `dtype`:
//   dispatch(x.dtype(), [&](auto zero) { using T = decltype(zero); ... });
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f64: return f(double{});
    case DType::i32: return f(std::int32_t{});
    case DType::boolean: return f(bool{});
    default: return f(float{});
  }
}

// The type that sums and products of T are computed in: unsigned for i32, which must wrap around.
template <class T>
using Wrapping = std::conditional_t<std::is_same_v<T, std::int32_t>, std::uint32_t, T>;

// dispatch for f32 and f64 only; the caller has checked `is_floating`.
template <class F>
decltype(auto) dispatch_floating(DType dtype, F&& f) {
  return dtype == DType::f64 ? f(double{}) : f(float{});
}

}  // namespace gradus
