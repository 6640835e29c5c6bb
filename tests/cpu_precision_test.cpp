// How precise matrix products of f32 are, whatever unit of the CPU computes them: AMX cuts numbers into
// three of lower precision (backends/cpu/amx.h), and where bf16 is allowed, they are rounded to it
// (backends/cpu/bf16.h).
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <vector>

#include "backends/cpu/bf16.h"
#include "backends/cpu/gemm.h"
#include "gradus.h"
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

constexpr MatmulPrecision kPrecisions[] = {MatmulPrecision::f32, MatmulPrecision::bf16};

// a [m, k] times b [k, n].
Numbers product(const Numbers& a, const Numbers& b, std::int64_t m, std::int64_t n, std::int64_t k,
                MatmulPrecision precision = MatmulPrecision::f32) {
  Numbers c(static_cast<std::size_t>(m * n), std::numeric_limits<float>::quiet_NaN());
  cpu::gemm(m, n, k, 1.f, {a.data(), k, 1}, {b.data(), n, 1}, false, c.data(), n, {}, precision);
  return c;
}

// The largest error of an element, relative to the sizes of its terms.
double worst_error(const Numbers& c, const Numbers& a, const Numbers& b, std::int64_t m,
                   std::int64_t n, std::int64_t k) {
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
  return worst;
}

// While it lives, products may be computed in bf16.
struct InBf16 {
  InBf16() { set_matmul_precision(MatmulPrecision::bf16); }
  ~InBf16() { set_matmul_precision(MatmulPrecision::f32); }
  InBf16(const InBf16&) = delete;
  InBf16& operator=(const InBf16&) = delete;
};

}  // namespace

// A sum of k products, each rounded and added in f32, is off by about sqrt(k) 2^-24 of its terms'
// sizes where signs are random: 16 * 2^-24 is more than five deviations of the worst here.
TEST_CASE("cpu: products of f32 are as precise as f32 is") {
  constexpr std::int64_t m = 37, n = 41;
  for (const std::int64_t k : {16, 33, 500, 3000}) {
    for (const int spread : {0, 10, 40}) {
      const Numbers a = spread_numbers(m * k, spread, 1), b = spread_numbers(k * n, spread, 2);
      const double worst = worst_error(product(a, b, m, n, k), a, b, m, n, k);
      INFO(fmt::format("k {}, spread {}: off by {} * 2^-24", k, spread, worst * 0x1p24));
      CHECK(worst < 16 * 0x1p-24);
      CHECK(worst > 0);
    }
  }
}

// One number of the largest in a sum of 64: 3e38 rounds up to infinity as a bf16.
TEST_CASE("cpu: the largest and the smallest numbers go through products") {
  for (const MatmulPrecision precision : kPrecisions) {
    constexpr std::int64_t k = 64;
    const float largest = std::numeric_limits<float>::max();
    Numbers a(k, 0.f), b(k, 0.f);
    a[5] = largest, b[5] = 0.5f;
    CHECK(product(a, b, 1, 1, k, precision)[0] == largest / 2);
    b[5] = -2;
    CHECK(product(a, b, 1, 1, k, precision)[0] == -std::numeric_limits<float>::infinity());
    a[5] = std::numeric_limits<float>::infinity();
    CHECK(product(a, b, 1, 1, k, precision)[0] == -std::numeric_limits<float>::infinity());
    b[5] = 0;
    CHECK(std::isnan(product(a, b, 1, 1, k, precision)[0]));
    // What is below 2^-126 may count as zero.
    a[5] = 0x1.fffffep-120f, b[5] = 1;
    CHECK(std::abs(product(a, b, 1, 1, k, precision)[0] - a[5]) <= 0x1p-126f);
  }
}

TEST_CASE("cpu: an element of a product is the same bits in a part of the product") {
  constexpr std::int64_t m = 70, n = 90, k = 300;
  const Numbers a = spread_numbers(m * k, 3, 1), b = spread_numbers(k * n, 3, 2);
  const std::int64_t sizes[][2] = {{1, 1}, {17, 17}, {32, 32}, {50, 50}, {60, 9}, {9, 60}};
  for (const MatmulPrecision precision : kPrecisions) {
    for (const float factor : {1.f, 0.7f}) {
      Numbers whole(m * n);
      cpu::gemm(m, n, k, factor, {a.data(), k, 1}, {b.data(), n, 1}, false, whole.data(), n, {},
                precision);
      for (const auto& [rows, columns] : sizes) {
        Numbers part(static_cast<std::size_t>(rows * columns));
        cpu::gemm(rows, columns, k, factor, {a.data() + 3 * k, k, 1}, {b.data() + 5, n, 1}, false,
                  part.data(), columns, {}, precision);
        std::int64_t different = 0;
        for (std::int64_t i = 0; i < rows * columns; ++i) {
          const std::int64_t at = (3 + i / columns) * n + 5 + i % columns;
          different += part[static_cast<std::size_t>(i)] != whole[static_cast<std::size_t>(at)];
        }
        CHECK(different == 0);
      }
    }
  }
}

// Rounding to 8 binary digits is off by up to 2^-8 of a number, so a product by 2^-7 and 2^-16. What f32
// adds to that is little (above).
TEST_CASE("cpu: where bf16 is allowed, products are as precise as bf16 is") {
  constexpr std::int64_t m = 37, n = 41;
  for (const std::int64_t k : {16, 33, 500}) {
    const Numbers a = spread_numbers(m * k, 3, 1), b = spread_numbers(k * n, 3, 2);
    const Numbers c = product(a, b, m, n, k, MatmulPrecision::bf16);
    const double worst = worst_error(c, a, b, m, n, k);
    INFO(fmt::format("k {}: off by {} * 2^-7", k, worst * 0x1p7));
    CHECK(worst < 0x1.02p-7);
    if (cpu::has_bf16()) {
      CHECK(worst > 0x1p-14);
    } else {
      CHECK(c == product(a, b, m, n, k));
    }
  }
}

// Small whole numbers are bf16 and so are halves of them; their sums are exact in f32.
TEST_CASE("cpu: products of bf16 are exact for every shape and layout") {
  constexpr std::int64_t most = 80;
  const auto whole_numbers = [](std::uint64_t seed) {
    Numbers x = spread_numbers(most * 600, 0, seed);
    for (float& number : x) number = std::round(number * 100);
    return x;
  };
  const Numbers a_numbers = whole_numbers(1), b_numbers = whole_numbers(2);
  std::int64_t different = 0;
  for (const std::int64_t m : {1, 15, 16, 33, 80}) {
    for (const std::int64_t n : {1, 16, 31, 80}) {
      for (const std::int64_t k : {16, 31, 64, 300, 600}) {
        for (int layout = 0; layout < 4; ++layout) {
          const cpu::Matrix<float> a{a_numbers.data(), layout & 1 ? 1 : k, layout & 1 ? m : 1};
          const cpu::Matrix<float> b{b_numbers.data(), layout & 2 ? 1 : n, layout & 2 ? k : 1};
          const bool add = layout == 3;
          std::vector<float> c(static_cast<std::size_t>(m * (n + 3)), 7);
          cpu::gemm(m, n, k, 0.5f, a, b, add, c.data(), n + 3, {}, MatmulPrecision::bf16);
          for (std::int64_t i = 0; i < m; ++i) {
            for (std::int64_t j = 0; j < n + 3; ++j) {
              double sum = j >= n || add ? 7 : 0;
              for (std::int64_t p = 0; j < n && p < k; ++p) {
                sum += 0.5 * *a.from(i, p).data * *b.from(p, j).data;
              }
              different += c[static_cast<std::size_t>(i * (n + 3) + j)] != sum;
            }
          }
        }
      }
    }
  }
  CHECK(different == 0);
}

// Whole blocks are finished in registers, parts of blocks in memory.
TEST_CASE("cpu: a product is finished alike in registers and in memory") {
  constexpr std::int64_t m = 43, n = 86, k = 300;
  Numbers a = spread_numbers(m * k, 3, 1);
  a[7 * k + 3] = std::numeric_limits<float>::quiet_NaN();
  const Numbers b = spread_numbers(k * n, 3, 2), bias = spread_numbers(2 * n, 3, 3);
  for (const MatmulPrecision precision : kPrecisions) {
    for (const float floor : {0.f, -1.f, -std::numeric_limits<float>::infinity()}) {
      for (const bool with_bias : {true, false}) {
        const std::int64_t first = 5;
        cpu::Finish finish;
        finish.in_registers = true;
        finish.bias = with_bias ? bias.data() : nullptr;
        finish.floor = floor;
        const auto finished = [&](float x, std::int64_t column) {
          x += with_bias ? bias[static_cast<std::size_t>(column)] : 0;
          return x < floor ? floor : x;
        };
        finish.function = [&](void* part, std::int64_t rows, std::int64_t columns,
                              std::int64_t distance, std::int64_t column) {
          for (std::int64_t i = 0; i < rows * columns; ++i) {
            float& x = static_cast<float*>(part)[i / columns * distance + i % columns];
            x = finished(x, column + i % columns);
          }
        };
        Numbers found = product(a, b, m, n, k, precision), expected = found;
        cpu::gemm(m, n, k, 1.f, {a.data(), k, 1}, {b.data(), n, 1}, false, found.data(), n,
                  {&finish, first}, precision);
        std::int64_t different = 0;
        for (std::int64_t i = 0; i < m * n; ++i) {
          const auto at = static_cast<std::size_t>(i);
          expected[at] = finished(expected[at], first + i % n);
          different +=
              std::isnan(expected[at]) ? !std::isnan(found[at]) : found[at] != expected[at];
        }
        CHECK(different == 0);
      }
    }
  }
}

// In the public operations, too: gradients included, the same for any number of threads; but distances
// and f64 keep their digits.
TEST_CASE("cpu: bf16 holds for products alone, for any number of threads alike") {
  manual_seed(1);
  const Tensor x = normal({2, 3, 100, 64}), y = normal({64, 48}), kernels = normal({8, 3, 5, 5});
  const auto results = [&] {
    Tensor a = x.detach(), b = y.detach();
    a.set_requires_grad();
    b.set_requires_grad();
    const Tensor seen = attention(a, a, matmul(a, b));
    const Tensor filtered = conv2d(a, kernels);
    const auto gradients = grad({sum(seen) + sum(filtered)}, {a, b});
    return std::vector<Tensor>{seen, filtered, gradients[0], gradients[1]};
  };
  const Tensor points = reshape(x, {-1, 64}), distances = squared_distance(points, points);
  const Tensor in_f64 = matmul(cast(x, DType::f64), cast(y, DType::f64));
  const std::vector<Tensor> precise = results();
  const InBf16 guard;
  const int threads = num_threads();
  const std::vector<Tensor> rounded = results();
  for (const int count : {1, 3}) {
    set_num_threads(count);
    const std::vector<Tensor> again = results();
    for (std::size_t i = 0; i < again.size(); ++i)
      CHECK(again[i].to_vector<float>() == rounded[i].to_vector<float>());
  }
  set_num_threads(threads);
  for (std::size_t i = 0; i < precise.size(); ++i) {
    const double size = max(abs(precise[i])).item();
    const double error = max(abs(precise[i] - rounded[i])).item();
    CHECK(error < 0.03 * size);
    CHECK((error > 0) == cpu::has_bf16());
  }
  CHECK(squared_distance(points, points).to_vector<float>() == distances.to_vector<float>());
  CHECK(matmul(cast(x, DType::f64), cast(y, DType::f64)).to_vector<double>() ==
        in_f64.to_vector<double>());
}
