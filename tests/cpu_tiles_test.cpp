// Products of tiles with a unit in plain loops in place of AMX or vectors, so that what AMX does is
// tested on machines that have none. (They need AVX-512 all the same, to cut numbers.)
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <vector>

#include "backends/cpu/gemm_tiles.h"
#include "tensor/philox.h"

using namespace gradus;
using namespace gradus::cpu;

#if defined(__x86_64__)

namespace {

// The number that the lower or the upper half of a pair holds.
float half(std::uint32_t pair, bool upper) {
  return std::bit_cast<float>(upper ? pair & 0xffff0000 : pair << 16);
}

template <int kPiecesOfNumber, bool kColumnsToo>
struct Loops {
  static constexpr int kPieces = kPiecesOfNumber;
  static constexpr int kRows = 4;
  static constexpr int kCalls = 1;
  static constexpr bool kTakesColumns = kColumnsToo;
  static constexpr bool kFinishes = false;
  struct Registers {};

  template <int kWide, bool kColumns>
  static void block(std::int64_t rows, std::int64_t steps, const std::uint32_t* a,
                    const std::uint32_t* b, bool add, float* c, std::int64_t distance,
                    const Ending&, tiles::Cutter<kPieces>& ahead) {
    using tiles::kSide, tiles::kTile;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < kWide * kSide; ++j) {
        double sum = add ? c[i * distance + j] : 0;
        for (std::int64_t s = 0; s < steps; ++s) {
          for (int p = 0; p < kPieces; ++p) {
            for (int q = 0; p + q < kPieces; ++q) {
              const std::uint32_t* x = a + ((i / kSide * steps + s) * kPieces + p) * kTile;
              const std::uint32_t* y = b + ((j / kSide * steps + s) * kPieces + q) * kTile;
              for (std::int64_t pair = 0; pair < kSide; ++pair) {
                const std::uint32_t of_a =
                    kColumns ? x[pair * kSide + i % kSide] : x[i % kSide * kSide + pair];
                const std::uint32_t of_b = y[pair * kSide + j % kSide];
                for (const bool upper : {false, true}) {
                  sum += static_cast<double>(half(of_a, upper)) * half(of_b, upper);
                }
              }
            }
          }
        }
        c[i * distance + j] = static_cast<float>(sum);
      }
    }
    for (std::int64_t s = 0; s < steps; ++s) ahead.go_on();
  }
};

std::vector<float> random_numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<float> numbers;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = philox(seed, 0, static_cast<std::uint64_t>(i))[0];
    numbers.push_back(static_cast<float>(bits) * 0x1p-31f - 1);
  }
  return numbers;
}

// The largest difference from gemm_vectors, relative to sqrt(k), over many shapes and layouts. Whole
// parts of c are finished where they lie in it.
template <class Unit>
double worst_difference() {
  double worst = 0;
  constexpr std::int64_t kMost = 1100 * 600;
  const std::vector<float> a = random_numbers(kMost, 1), b = random_numbers(kMost, 2);
  const std::int64_t shapes[][3] = {{1, 1, 16},   {16, 16, 32},   {33, 17, 64},  {100, 70, 257},
                                    {5, 90, 600}, {1100, 31, 40}, {40, 1100, 20}};
  for (const auto& shape : shapes) {
    const std::int64_t m = shape[0], n = shape[1], k = shape[2];
    for (int layout = 0; layout < 4; ++layout) {
      const Matrix<float> x{a.data(), layout & 1 ? 1 : k, layout & 1 ? m : 1};
      const Matrix<float> y{b.data(), layout & 2 ? 1 : n, layout & 2 ? k : 1};
      const bool add = layout == 3;
      std::vector<float> found(static_cast<std::size_t>(m * n), 1), expected = found;
      std::int64_t finished = 0;
      const Finish finish{[&](void* part, std::int64_t rows, std::int64_t columns,
                              std::int64_t distance, std::int64_t first_column) {
        const std::int64_t at = static_cast<float*>(part) - found.data();
        REQUIRE(at >= 0);
        REQUIRE(at + (rows - 1) * distance + columns <= m * n);
        CHECK(at % n == first_column);
        finished += rows * columns;
      }};
      tiles::gemm_tiles<Unit>(m, n, k, 0.7f, x, y, add, found.data(), n, {&finish, 0});
      gemm_vectors(m, n, k, 0.7f, x, y, add, expected.data(), n);
      CHECK(finished == m * n);
      for (std::size_t i = 0; i < found.size(); ++i) {
        worst = std::max(worst, std::abs(found[i] - expected[i]) / std::sqrt(1.0 * k));
      }
    }
  }
  return worst;
}

bool can_cut() { return __builtin_cpu_supports("avx512bw"); }

}  // namespace

// Numbers are in [-1, 1): products that are rounded to f32 differ by some 2^-24, those of bf16 by 2^-8.
TEST_CASE("cpu: products of tiles, in three pieces as precise as f32") {
  if (!can_cut()) return;
  CHECK(worst_difference<Loops<3, false>>() < 0x1p-20);
  CHECK(worst_difference<Loops<3, true>>() < 0x1p-20);
}

TEST_CASE("cpu: products of tiles, rounded to bf16") {
  if (!can_cut()) return;
  for (const double worst :
       {worst_difference<Loops<1, false>>(), worst_difference<Loops<1, true>>()}) {
    CHECK(worst < 0x1p-6);
    CHECK(worst > 0x1p-14);
  }
}

#endif
