// Matrix products by a unit of the CPU that multiplies tiles of bf16 (tiles.h). A unit says how many
// pieces a number is cut into, computes a block of c, and prepares its registers:
//
//   struct Unit {
//     static constexpr int kPieces = ...;
//     static constexpr int kRows = ...;           // rows of c are a multiple of it, at most 32
//     static constexpr int kCalls = ...;          // of ahead.go_on(), for each of `steps`
//     static constexpr bool kTakesColumns = ...;  // whether tiles of a may be [pair][line], as b's are
//     static constexpr bool kFinishes = ...;      // whether `block` can finish c (gemm.h), if asked to
//     struct Registers { ... };                   // alive while blocks are computed
//     // c [rows, 16 wide] = a b (+ c, if `add`), for `steps` tiles of the sum
//     template <int kWide, bool kColumns>
//     static void block(std::int64_t rows, std::int64_t steps, const std::uint32_t* a,
//                       const std::uint32_t* b, bool add, float* c, std::int64_t distance,
//                       const Ending& ending, Cutter<kPieces>& ahead);
//   };
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "backends/cpu/gemm.h"
#include "backends/cpu/tiles.h"
#include "tensor/parallel.h"

namespace gradus::cpu::tiles {

// Of the sum, and of the rows of a or the columns of b that are cut first and then stay in the
// second-level cache.
constexpr std::int64_t kInner = 256;
constexpr std::int64_t kMostKept = 512;

template <class Unit, bool kColumns>
GRADUS_TILES void block_of(std::int64_t rows, std::int64_t columns, std::int64_t steps,
                           const std::uint32_t* a, const std::uint32_t* b, bool add, float* c,
                           std::int64_t distance, const Ending& ending,
                           Cutter<Unit::kPieces>& ahead) {
  const auto kernel =
      columns > kSide ? &Unit::template block<2, kColumns> : &Unit::template block<1, kColumns>;
  if (rows % Unit::kRows == 0 && columns % kSide == 0) {
    const bool finishes =
        Unit::kFinishes && ending.finish != nullptr && ending.finish->in_registers;
    kernel(rows, steps, a, b, add, c, distance, finishes ? ending : Ending{}, ahead);
    if (!finishes) ending(c, rows, columns, distance);
    return;
  }
  alignas(64) float whole[kBlock * kBlock];
  for (std::int64_t i = 0; add && i < rows; ++i) {  // c has only a part of a tile
    std::copy_n(c + i * distance, columns, whole + i * kBlock);
  }
  const std::int64_t all_rows = ceil_div(rows, Unit::kRows) * Unit::kRows;
  kernel(all_rows, steps, a, b, add, whole, kBlock, {}, ahead);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(whole + i * kBlock, columns, c + i * distance);
  }
  ending(c, rows, columns, distance);  // which may ask where in the product it is
}

template <int kPieces>
std::uint32_t* memory_for_tiles() {
  constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(std::uint32_t* data) const { ::operator delete(data, kLine); }
  };
  constexpr std::size_t kBytes = kInner * (2 * kBlock + kMostKept) * kPieces * 2;
  thread_local const std::unique_ptr<std::uint32_t, Free> memory(
      static_cast<std::uint32_t*>(::operator new(kBytes, kLine)));
  return memory.get();
}

// As `gemm` (gemm.h), by the unit; blocks with numbers that have no such pieces are left to the vectors.
template <class Unit>
GRADUS_TILES void gemm_tiles(std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                             Matrix<float> a, Matrix<float> b, bool add, float* c,
                             std::int64_t distance, const Ending& ending) {
  constexpr int kPieces = Unit::kPieces;
  [[maybe_unused]] const typename Unit::Registers registers;
  constexpr std::int64_t kLine = kInner / 2 * kPieces;
  std::uint32_t* kept_tiles = memory_for_tiles<kPieces>();
  std::uint32_t* tiles = kept_tiles + kMostKept * kLine;
  std::uint32_t* tiles_ahead = tiles + kBlock * kLine;
  // The one with fewer lines is kept, those of the other come by, 32 at a time. But a block beside
  // the one before, as where b is kept, is written sooner than one below it.
  const bool keep_b = n <= 2 * m;
  const Matrix<float> kept = keep_b ? b.transposed() : a, passing = keep_b ? a : b.transposed();
  const std::int64_t kept_lines = keep_b ? n : m, passing_lines = keep_b ? m : n;
  const bool columns_of_a = Unit::kTakesColumns && a.row_step == 1 && a.column_step != 1;
  const auto multiply_block =
      columns_of_a ? block_of<Unit, Unit::kTakesColumns> : block_of<Unit, false>;
  // The factor goes to b always, so that an element's bits do not depend on which one is kept.
  Cutter<kPieces> cutter(kept, keep_b || columns_of_a, keep_b ? alpha : 1.f);
  Cutter<kPieces> ahead(passing, !keep_b || columns_of_a, keep_b ? 1.f : alpha);
  for (std::int64_t first = 0; first < kept_lines; first += kMostKept) {
    const std::int64_t lines = std::min(kMostKept, kept_lines - first);
    // Two tiles for each step of the sum, cut while this many blocks are computed; `finish` cuts what is
    // left.
    const std::int64_t blocks = ceil_div(lines, kBlock);
    constexpr std::int64_t kRowsAtOnce = Cutter<kPieces>::kRowsAtOnce;
    ahead.rows_at_once = ceil_div(2 * kSide, blocks * Unit::kCalls * kRowsAtOnce) * kRowsAtOnce;
    for (std::int64_t p = 0; p < k; p += kInner) {
      const std::int64_t inner = std::min(kInner, k - p);
      const std::int64_t steps = ceil_div(inner, kStep);
      cutter.start(first, lines, p, inner, kept_tiles);
      const bool kept_is_cut = cutter.finish();
      const auto cut_ahead = [&](std::int64_t line) {
        ahead.start(line, std::min(kBlock, passing_lines - line), p, inner, tiles_ahead);
      };
      cut_ahead(0);
      for (std::int64_t line = 0; line < passing_lines; line += kBlock) {
        const bool is_cut = ahead.finish() && kept_is_cut;
        std::swap(tiles, tiles_ahead);
        cut_ahead(line + kBlock);
        for (std::int64_t i = 0; i < lines; i += kBlock) {
          const std::int64_t row = keep_b ? line : first + i, column = keep_b ? first + i : line;
          const std::int64_t rows = std::min(kBlock, m - row),
                             columns = std::min(kBlock, n - column);
          float* to = c + row * distance + column;
          const std::uint32_t* kept_at = kept_tiles + i / kSide * steps * kPieces * kTile;
          const Ending end = p + inner < k ? Ending{} : ending.from(column);
          if (is_cut) {
            multiply_block(rows, columns, steps, keep_b ? tiles : kept_at, keep_b ? kept_at : tiles,
                           add || p > 0, to, distance, end, ahead);
          } else {
            gemm_vectors(rows, columns, inner, alpha, a.from(row, p), b.from(p, column),
                         add || p > 0, to, distance);
            end(to, rows, columns, distance);
          }
        }
      }
    }
  }
}

}  // namespace gradus::cpu::tiles
