#include "backends/cpu/bf16.h"

#include <atomic>

#include "backends/cpu/amx.h"

namespace gradus::cpu {

namespace {

std::atomic<bool> vectors_wanted{true};
bool vectors_have_bf16();

}  // namespace

void use_bf16_vectors(bool use) { vectors_wanted = use; }

bool has_bf16() {
  static const bool granted = vectors_have_bf16();
  return (granted && vectors_wanted) || amx_in_use();
}

bool multiplies_tiles(MatmulPrecision precision) {
  return amx_in_use() || (precision == MatmulPrecision::bf16 && has_bf16());
}

}  // namespace gradus::cpu

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#include "backends/cpu/gemm_tiles.h"

// For functions that run only where AVX-512 multiplies bf16.
#define GRADUS_BF16 [[gnu::target("avx512f,avx512bw,avx512bf16")]]

namespace gradus::cpu {

using namespace tiles;

namespace {

bool vectors_have_bf16() {
  constexpr unsigned kBf16 = 1U << 5;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx512bw") && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 &&
         (a & kBf16) != 0;
}

// Vectors that multiply tiles: one instruction adds 16 pairs of b, times one pair of a, to 16 sums.
struct Vectors {
  static constexpr int kPieces = 1;
  static constexpr int kRows = 8;  // 16 sums are enough to keep two multipliers busy
  static constexpr int kCalls = 4;
  static constexpr bool kTakesColumns = true;
  static constexpr bool kFinishes = true;
  struct Registers {};

  template <int kWide, bool kColumns>
  GRADUS_BF16 static void block(std::int64_t rows, std::int64_t steps, const std::uint32_t* a,
                                const std::uint32_t* b, bool add, float* c, std::int64_t distance,
                                const Ending& ending, Cutter<1>& ahead) {
    const std::uint32_t* b_right = b + steps * kTile;
    // Rows of c may lie a multiple of the cache's size apart: they are slow to come.
    for (std::int64_t r = 0; r < rows; ++r) {
      for (int v = 0; v < kWide; ++v) __builtin_prefetch(c + r * distance + v * kSide, 1);
    }
    for (std::int64_t row = 0; row < rows; row += kRows) {
      constexpr std::int64_t kRowStep = kColumns ? 1 : kSide, kPairStep = kColumns ? kSide : 1;
      const std::uint32_t* rows_of_a = a + row / kSide * steps * kTile + row % kSide * kRowStep;
      __m512 sums[kRows][kWide];
      float* to = c + row * distance;
#pragma GCC unroll 8
      for (std::int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < kWide; ++v) {
          sums[r][v] = add ? _mm512_loadu_ps(to + r * distance + v * kSide) : _mm512_setzero_ps();
        }
      }
      for (std::int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 4
        for (std::int64_t p = 0; p < kSide; ++p) {
          const std::int64_t at = s * kTile + p * kSide;
          const auto left = (__m512bh)_mm512_load_si512(b + at);
          const auto right = (__m512bh)_mm512_load_si512((kWide == 2 ? b_right : b) + at);
#pragma GCC unroll 8
          for (std::int64_t r = 0; r < kRows; ++r) {
            const auto pair = (__m512bh)_mm512_set1_epi32(
                static_cast<int>(rows_of_a[s * kTile + r * kRowStep + p * kPairStep]));
            sums[r][0] = _mm512_dpbf16_ps(sums[r][0], pair, left);
            if constexpr (kWide == 2) sums[r][1] = _mm512_dpbf16_ps(sums[r][1], pair, right);
          }
        }
        ahead.go_on();
      }
      if (ending.finish != nullptr) finish(sums, ending);
#pragma GCC unroll 8
      for (std::int64_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
        for (int v = 0; v < kWide; ++v) _mm512_storeu_ps(to + r * distance + v * kSide, sums[r][v]);
      }
    }
  }

  // sums = max(sums + bias, floor)
  template <int kWide>
  GRADUS_BF16 static void finish(__m512 (&sums)[kRows][kWide], const Ending& ending) {
    const auto* bias = static_cast<const float*>(ending.finish->bias);
    const __m512 floor = _mm512_set1_ps(static_cast<float>(ending.finish->floor));
#pragma GCC unroll 2
    for (int v = 0; v < kWide; ++v) {
      const __m512 of_columns = bias == nullptr
                                    ? _mm512_setzero_ps()
                                    : _mm512_loadu_ps(bias + ending.first_column + v * kSide);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const __m512 sum = _mm512_add_ps(sums[r][v], of_columns);
        const __mmask16 is_below = _mm512_cmp_ps_mask(sum, floor, _CMP_LT_OQ);  // NaN is not
        sums[r][v] = _mm512_mask_mov_ps(sum, is_below, floor);
      }
    }
  }
};

}  // namespace

void gemm_bf16(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
               Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending) {
  if (amx_in_use()) return gemm_amx_bf16(m, n, k, alpha, a, b, add, c, distance, ending);
  gemm_tiles<Vectors>(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu

#else

namespace gradus::cpu {

namespace {

bool vectors_have_bf16() { return false; }

}  // namespace

void gemm_bf16(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
               Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending) {
  gemm_vectors(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu
#endif
