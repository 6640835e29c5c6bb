#include "nn/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace gradus::nn;

namespace {

// By the definition: (-1)^s * 2^(e - 15) * 1.f, and 2^-14 * 0.f where e is 0.
double value_of(std::uint16_t h) {
  const int exponent = h >> 10 & 31, fraction = h & 1023;
  const double magnitude = exponent == 31  ? (fraction == 0 ? HUGE_VAL : std::nan(""))
                           : exponent == 0 ? std::ldexp(fraction, -24)
                                           : std::ldexp(1024 + fraction, exponent - 25);
  return h >> 15 == 1 ? -magnitude : magnitude;
}

}  // namespace

TEST_CASE("each half has its value, and every one comes back") {
  for (int i = 0; i < 65536; ++i) {
    const auto h = static_cast<std::uint16_t>(i);
    const double wanted = value_of(h);
    const float x = from_half(h);
    CAPTURE(i);
    if (std::isnan(wanted)) {
      REQUIRE(std::isnan(x));
      REQUIRE(std::isnan(from_half(to_half(x))));
    } else {
      REQUIRE(double{x} == wanted);
      REQUIRE(std::signbit(x) == std::signbit(wanted));
      REQUIRE(to_half(x) == h);
    }
  }
}

TEST_CASE("numbers between two halves go to the nearer one, from the middle to the even one") {
  for (int i = 0; i < 0x7BFF; ++i) {  // up to the largest finite half
    const auto below = static_cast<std::uint16_t>(i), above = static_cast<std::uint16_t>(i + 1);
    const auto middle = static_cast<float>((value_of(below) + value_of(above)) / 2);  // f32 has it
    CAPTURE(i);
    REQUIRE(to_half(middle) == (i % 2 == 0 ? below : above));
    REQUIRE(to_half(std::nextafter(middle, 0.0F)) == below);
    REQUIRE(to_half(std::nextafter(middle, HUGE_VALF)) == above);
    REQUIRE(to_half(-middle) == (to_half(middle) | 0x8000));
  }
  CHECK(to_half(std::nextafter(65520.0F, 0.0F)) == 0x7BFF);
  CHECK(to_half(65520.0F) == 0x7C00);
  CHECK(to_half(std::numeric_limits<float>::max()) == 0x7C00);
  CHECK(to_half(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("bfloat16 is the upper half of an f32") {
  CHECK(from_bfloat16(0x3F80) == 1);
  CHECK(from_bfloat16(0xC040) == -3);  // -1.5 * 2
  CHECK(std::isinf(from_bfloat16(0x7F80)));
}
