// Transposes of 4-byte elements: squares of 4 x 4 in registers, brought together in a tile of whole
// cache lines. A result too large for the caches is written past them, which spares reading each
// line before it is written. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transpose.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/cache_control.h>
#include <hwy/highway.h>
#include "backends/cpu/simd_turn-inl.h"
// clang-format on

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backends/cpu/loops.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

constexpr std::int64_t kTile = 32, kSide = kSquare<float>;  // rows and columns

// Asks memory for a tile's line, into the second cache: lines far apart can all fall into one set of the
// first.
HWY_INLINE void ask_for_line(const float* line) {
  __builtin_prefetch(line, 0, 2);
  __builtin_prefetch(line + kTile / 2, 0, 2);
}

// Rows [0, rows) of `to`, columns [0, columns).
HWY_FLATTEN void transpose_rows(const Transpose& t) {
  const hn::ScalableTag<float> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  HWY_ALIGN float tile[kTile * kTile];
  for (std::int64_t c0 = 0; c0 < t.columns; c0 += kTile) {
    const std::int64_t columns = std::min(kTile, t.columns - c0);
    for (std::int64_t r0 = 0; r0 < t.rows; r0 += kTile) {
      const std::int64_t rows = std::min(kTile, t.rows - r0);
      const float* from = t.from + c0 * t.from_step + r0;
      const bool whole = columns == kTile && rows == kTile;
      const float* next = r0 + kTile < t.rows ? from + kTile : t.from + (c0 + kTile) * t.from_step;
      for (std::int64_t c = 0; whole && c < kTile; c += kSide) {
        for (std::int64_t r = 0; r < kTile; r += kSide) {
          turn(from + c * t.from_step + r, t.from_step, tile + r * kTile + c, kTile);
        }
        for (std::int64_t i = c; i < c + kSide; ++i) ask_for_line(next + i * t.from_step);
      }
      for (std::int64_t c = 0; !whole && c < columns; ++c) {
        for (std::int64_t r = 0; r < rows; ++r) tile[r * kTile + c] = from[c * t.from_step + r];
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        float* to = t.to + (r0 + r) * t.to_step + c0;
        const float* line = tile + r * kTile;
        if (t.past_caches && columns == kTile) {
          for (std::int64_t i = 0; i < kTile; i += step) {
            hn::Stream(hn::Load(d, line + i), d, to + i);
          }
        } else {
          std::memcpy(to, line, static_cast<std::size_t>(columns) * sizeof(float));
        }
      }
    }
  }
  hwy::FlushStream();
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(transpose_rows);

void transpose(const Transpose& t) { HWY_DYNAMIC_DISPATCH(transpose_rows)(t); }

}  // namespace gradus::cpu
#endif
