// 16-bit numbers, for files only: half precision keeps three digits, bfloat16 two, with the range
// of f32. Nothing is computed in them.
//
//   half precision (IEEE 754 binary16):  1 sign, 5 exponent (bias 15), 10 fraction bits
//   bfloat16:                            the upper 16 bits of an f32
#pragma once

#include <bit>
#include <cstdint>

namespace gradus::nn {

inline constexpr float kLargestHalf = 65504;

inline float from_bfloat16(std::uint16_t b) { return std::bit_cast<float>(std::uint32_t{b} << 16); }

// Exponent and fraction go where f32 has them, and the product with 2^(127 - 15) mends the bias:
// for subnormal numbers too. All exponent bits set means infinity or NaN in both.
inline float from_half(std::uint16_t h) {
  const std::uint32_t sign = (h & 0x8000U) << 16, magnitude = (h & 0x7FFFU) << 13;
  const auto x = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  return std::bit_cast<float>(sign | x | (magnitude >= 0x0F800000U ? 0x7F800000U : 0U));
}

// The nearest half, of two the even one; infinity from 65520 on.
inline std::uint16_t to_half(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000U, magnitude = bits & 0x7FFFFFFFU;
  std::uint32_t h = 0;
  if (magnitude > 0x7F800000U) {
    h = 0x7E00U;  // NaN
  } else if (magnitude >= 0x477FF000U) {
    h = 0x7C00U;
  } else if (magnitude < 0x38800000U) {
    // Below 2^-14 halves are multiples of 2^-24, as are the f32 from 0.5 to 1: the sum is rounded
    // there.
    h = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5F) -
        std::bit_cast<std::uint32_t>(0.5F);
  } else {
    // 13 bits go: added is one less than half of their last place, and one more where what stays is
    // odd.
    h = (magnitude - (112U << 23) + 0xFFFU + (magnitude >> 13 & 1U)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | h);
}

}  // namespace gradus::nn
