// How precise matrix products of f32 are, whatever unit of the CPU computes them (AMX cuts numbers
// into three of lower precision, backends/cpu/amx.h).
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "backends/cpu/gemm.h"
#include "tests/cpu_support.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Numbers = std::vector<float>;

// In (-1, 1), times powers of two from 2^-spread to 2^spread.
Numbers spread_numbers(std::int64_t n, int spread, std::uint64_t seed) {
  const Owned x = numbers(DType::f64, Layout(Shape{2 * n}), -1, 1, seed);
  const auto* data = data_of<double>(x.view);
  Numbers result;
  for (std::int64_t i = 0; i < n; ++i) {
    result.push_back(std::ldexp(static_cast<float>(data[i]),
                                static_cast<int>(std::lround(spread * data[n + i]))));
  }
  return result;
}

// a [m, k] times b [k, n].
Numbers product(const Numbers& a, const Numbers& b, std::int64_t m, std::int64_t n,
                std::int64_t k) {
  Numbers c(static_cast<std::size_t>(m * n), std::numeric_limits<float>::quiet_NaN());
  cpu::gemm(m, n, k, 1.f, {a.data(), k, 1}, {b.data(), n, 1}, false, c.data(), n);
  return c;
}

}  // namespace

// A sum of k products, each rounded and added in f32, is off by about sqrt(k) 2^-24 of its terms'
// sizes where signs are random: 16 * 2^-24 is more than five deviations of the worst here.
TEST_CASE("cpu: products of f32 are as precise as f32 is") {
  constexpr std::int64_t m = 37, n = 41;
  for (const std::int64_t k : {16, 33, 500, 3000}) {
    for (const int spread : {0, 10, 40}) {
      const Numbers a = spread_numbers(m * k, spread, 1), b = spread_numbers(k * n, spread, 2);
      const Numbers c = product(a, b, m, n, k);
      double worst = 0;
      for (std::int64_t i = 0; i < m * n; ++i) {
        double sum = 0, size = 0;
        for (std::int64_t p = 0; p < k; ++p) {
          const double term = static_cast<double>(a[static_cast<std::size_t>(i / n * k + p)]) *
                              b[static_cast<std::size_t>(p * n + i % n)];
          sum += term;
          size += std::abs(term);
        }
        worst = std::max(worst, std::abs(c[static_cast<std::size_t>(i)] - sum) / size);
      }
      INFO(fmt::format("k {}, spread {}: off by {} * 2^-24", k, spread, worst * 0x1p24));
      CHECK(worst < 16 * 0x1p-24);
      CHECK(worst > 0);
    }
  }
}

// One number of the largest in a sum of 64: 3e38 rounds up to infinity as a bf16.
TEST_CASE("cpu: the largest and the smallest numbers go through products") {
  constexpr std::int64_t k = 64;
  const float largest = std::numeric_limits<float>::max();
  Numbers a(k, 0.f), b(k, 0.f);
  a[5] = largest, b[5] = 0.5f;
  CHECK(product(a, b, 1, 1, k)[0] == largest / 2);
  b[5] = -2;
  CHECK(product(a, b, 1, 1, k)[0] == -std::numeric_limits<float>::infinity());
  a[5] = std::numeric_limits<float>::infinity();
  CHECK(product(a, b, 1, 1, k)[0] == -std::numeric_limits<float>::infinity());
  b[5] = 0;
  CHECK(std::isnan(product(a, b, 1, 1, k)[0]));
  // What is below 2^-126 may count as zero.
  a[5] = 0x1.fffffep-120f, b[5] = 1;
  CHECK(std::abs(product(a, b, 1, 1, k)[0] - a[5]) <= 0x1p-126f);
}

TEST_CASE("cpu: an element of a product is the same bits in a part of the product") {
  constexpr std::int64_t m = 70, n = 90, k = 300;
  const Numbers a = spread_numbers(m * k, 3, 1), b = spread_numbers(k * n, 3, 2);
  const Numbers whole = product(a, b, m, n, k);
  for (const std::int64_t size : {1, 17, 32, 50}) {
    Numbers part(size * size);
    cpu::gemm(size, size, k, 1.f, {a.data() + 3 * k, k, 1}, {b.data() + 5, n, 1}, false,
              part.data(), size);
    std::int64_t different = 0;
    for (std::int64_t i = 0; i < size * size; ++i) {
      const std::int64_t at = (3 + i / size) * n + 5 + i % size;
      different += part[static_cast<std::size_t>(i)] != whole[static_cast<std::size_t>(at)];
    }
    CHECK(different == 0);
  }
}
