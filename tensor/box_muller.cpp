// CMakeLists.txt says that no product here may be merged with a sum: each is rounded.
#include "tensor/box_muller.h"

#include <bit>
#include <cmath>
#include <cstddef>

#include "tensor/philox.h"

namespace gradus::box_muller {

namespace {

template <std::size_t kTerms>
double polynomial(double t, const double (&p)[kTerms]) {
  double sum = p[0];
  for (std::size_t i = 1; i < kTerms; ++i) sum = sum * t + p[i];
  return sum;
}

// For x > 0.
double log(double x) {
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t e = (bits - kRootHalf) >> 52;
  const auto m = std::bit_cast<double>(bits - (e << 52));
  const double s = (m - 1) / (m + 1), t = s * s;
  return static_cast<double>(e) * kLog2 + (s * t * polynomial(t, kLogFit) + (s + s));
}

}  // namespace

std::array<double, 2> pair(std::uint32_t u, std::uint32_t v) {
  const double radius = std::sqrt(-2 * log(1 - double{to_uniform(u)}));  // 1 - u is never 0
  // A turn has four quarters; r is what is left of the nearest one.
  const double turn = double{to_uniform(v)};
  const auto quarter = static_cast<std::int64_t>((turn * 8 + 1) / 2);
  const double r = turn - static_cast<double>(quarter) * 0.25, t = r * r;
  const double sine = r * t * polynomial(t, kSinFit) + r * kTwoPi;
  const double cosine = t * polynomial(t, kCosFit) + 1;
  const bool odd = (quarter & 1) != 0;
  const double a = odd ? sine : cosine, b = odd ? cosine : sine;
  const double sign_a = ((quarter + 1) & 2) != 0 ? -1 : 1, sign_b = (quarter & 2) != 0 ? -1 : 1;
  return {radius * (sign_a * a), radius * (sign_b * b)};
}

}  // namespace gradus::box_muller
