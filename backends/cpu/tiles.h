// Matrices of f32 as tiles of bf16, which is what AMX and AVX-512 multiply fastest. A tile has 16 lines,
// which are rows of a or columns of b, of 16 pairs: two numbers of a sum that are 16 apart. There are as
// many tiles as pieces that a number is cut into (amx.h), or one of the numbers rounded. For gemm_tiles.h
// alone: what runs here runs only where there is AVX-512.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backends/cpu/gemm.h"

// For functions that run only where there is AVX-512. (A macro, since attributes take no constants.)
#define GRADUS_TILES [[gnu::target("avx512f,avx512bw")]]

namespace gradus::cpu::tiles {

constexpr std::int64_t kSide = 16;  // rows of a tile; its columns, too: of f32, or pairs of bf16
constexpr std::int64_t kStep = 2 * kSide;      // of a sum, in a tile
constexpr std::int64_t kTile = kSide * kSide;  // elements of 4 bytes
constexpr std::int64_t kBlock = 2 * kSide;     // rows and columns of c that are computed together

using Floats [[gnu::vector_size(64)]] = float;
using Bits [[gnu::vector_size(64)]] = std::uint32_t;
using Square = Floats[kSide];

// Rows of a square of 4-byte elements become columns. Interleaving rows i and i + 8 moves one of the four
// bits of a row's number into the column's.
[[gnu::noinline]] GRADUS_TILES inline void turn(void* square) {
  Square x;
  std::memcpy(&x, square, sizeof x);
#pragma GCC unroll 4
  for (int bit = 0; bit < 4; ++bit) {
    Square y;
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      y[2 * i] = __builtin_shufflevector(x[i], x[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                         6, 22, 7, 23);
      y[2 * i + 1] = __builtin_shufflevector(x[i], x[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                             13, 29, 14, 30, 15, 31);
    }
    std::memcpy(&x, &y, sizeof y);
  }
  std::memcpy(square, &x, sizeof x);
}

// The [16, 16] that begin at x; where only `rows` x `columns` are there, the rest is 0.
[[gnu::noinline]] GRADUS_TILES inline void load(const float* x, std::int64_t row_step,
                                                std::int64_t column_step, std::int64_t rows,
                                                std::int64_t columns, Square& out) {
  const bool by_columns = column_step != 1 && row_step == 1;
  if (by_columns) std::swap(rows, columns), std::swap(row_step, column_step);
  if (rows < kSide || columns < kSide) std::memset(&out, 0, sizeof out);
  if (column_step == 1 && columns >= kSide) {
    for (std::int64_t i = 0; i < std::min(rows, kSide); ++i) {
      std::memcpy(&out[i], x + i * row_step, sizeof out[i]);
    }
  } else {
    for (std::int64_t i = 0; i < std::min(rows, kSide); ++i) {
      for (std::int64_t j = 0; j < std::min(columns, kSide); ++j) {
        out[i][j] = x[i * row_step + j * column_step];
      }
    }
  }
  if (by_columns) turn(&out);
}

// Cuts x [lines, inner] - rows of a, or columns of b - into tiles [lines / 16][inner / 32][piece], in
// which each number of a pair comes from a square of its own. Tiles are [line][pair], or where lines lie
// `across` [pair][line]. Where x lies the other way, its squares are turned; if there is one piece, the
// tile is. A tile is cut little by little, so that this can be done while others are multiplied: by two
// units of the CPU that work at the same time. (What is marked as not inline is so that the sums of a
// block that is multiplied stay in registers.)
template <int kPieces>
class Cutter {
 public:
  static constexpr std::int64_t kRowsAtOnce = 4;  // at least
  std::int64_t rows_at_once = kRowsAtOnce;        // a multiple of these

  // x [lines, inner], all of them
  GRADUS_TILES Cutter(Matrix<float> x, bool across, float scale)
      : x_(x.data),
        line_step_(x.row_step),
        inner_step_(x.column_step),
        turns_tiles_(kPieces == 1 && (across ? x.column_step : x.row_step) == 1 &&
                     (across ? x.row_step : x.column_step) != 1),
        across_(across != turns_tiles_),
        scale_(scale) {}

  GRADUS_TILES void start(std::int64_t line, std::int64_t lines, std::int64_t p, std::int64_t inner,
                          std::uint32_t* tiles) {
    begin_ = x_ + line * line_step_ + p * inner_step_;
    lines_ = lines, inner_ = inner, tiles_ = tiles;
    line_ = p_ = row_ = found_ = 0;
    check_ = Floats{};
  }

  // Cuts some rows. Where there are calls enough, finding a square is a call of its own.
  GRADUS_TILES void go_on() {
    if (line_ >= lines_) return;
    if (found_ < 2 && rows_at_once == kRowsAtOnce) return find_square(found_++);
    cut_rows(rows_at_once);
  }

  // Cuts the rest. False if there was a number that has no such pieces.
  GRADUS_TILES bool finish() {
    while (line_ < lines_) cut_rows(kSide);
    bool zero = true;
    for (int i = 0; i < kSide; ++i) zero &= check_[i] == 0;
    return zero;
  }

 private:
  [[gnu::noinline]] GRADUS_TILES void find_squares() {
    while (found_ < 2) find_square(found_++);
  }

  // Where the rows of a tile's first or second square are: in x, or in a copy.
  GRADUS_TILES void find_square(int i) {
    const std::int64_t p = p_ + i * kSide;
    const float* x = begin_ + line_ * line_step_ + p * inner_step_;
    // Lines far apart are slow to come: those of the next block set out now.
    const std::int64_t apart = std::max(line_step_, inner_step_);
    for (int row = 0; row < kSide; ++row) {
      __builtin_prefetch(x + kBlock * line_step_ + row * apart, 0, 2);
    }
    const std::int64_t rows = across_ ? inner_ - p : lines_ - line_;
    const std::int64_t columns = across_ ? lines_ - line_ : inner_ - p;
    const std::int64_t row_step = across_ ? inner_step_ : line_step_;
    const std::int64_t column_step = across_ ? line_step_ : inner_step_;
    if (column_step == 1 && rows >= kSide && columns >= kSide && scale_ == 1) [[likely]] {
      rows_[i] = x;
      step_[i] = row_step;
      return;
    }
    load(x, row_step, column_step, rows, columns, copies_[i]);
    for (Floats& row : copies_[i]) row *= scale_;
    rows_[i] = reinterpret_cast<const float*>(&copies_[i]);
    step_[i] = kSide;
  }

  GRADUS_TILES void cut_rows(std::int64_t count) {
    if (found_ < 2) [[unlikely]] {
      find_squares();
    }
    const std::int64_t x_step = step_[0], y_step = step_[1], end = std::min(row_ + count, kSide);
    const float *x = rows_[0] + row_ * x_step, *y = rows_[1] + row_ * y_step;
    std::uint32_t* to = tiles_ + row_ * kSide;
    Floats check = check_;
    for (std::int64_t row = row_; row < end; row += kRowsAtOnce) {
#pragma GCC unroll 4
      for (std::int64_t i = 0; i < kRowsAtOnce; ++i, x += x_step, y += y_step, to += kSide) {
        check += cut_row(x, y, to) * 0.f;
      }
    }
    check_ = check;
    row_ = end;
    if (end == kSide) end_tile();
  }

  // Pairs of the numbers that begin at x and at y. Returns what is left of both: NaN where the first piece
  // is infinite or NaN.
  GRADUS_TILES static Floats cut_row(const float* x_row, const float* y_row, std::uint32_t* to) {
    constexpr std::uint32_t kUpper = 0xffff0000, kHalf = 0x8000;
    Floats x, y;
    std::memcpy(&x, x_row, sizeof x);
    std::memcpy(&y, y_row, sizeof y);
#pragma GCC unroll 3
    for (int piece = 0; piece < kPieces; ++piece) {
      // Rounded to bf16, but for the last of several: it is one.
      const bool is_bf16 = kPieces > 1 && piece == kPieces - 1;
      const std::uint32_t half = is_bf16 ? 0 : kHalf;
      const Bits x_piece = reinterpret_cast<Bits>(x) + half;
      const Bits y_piece = (reinterpret_cast<Bits>(y) + half) & kUpper;
      const Bits pair = x_piece >> 16 | y_piece;
      std::memcpy(to + piece * kTile, &pair, sizeof pair);
      if (is_bf16) break;
      x -= reinterpret_cast<Floats>(x_piece & kUpper);
      y -= reinterpret_cast<Floats>(y_piece);
    }
    return x + y;
  }

  GRADUS_TILES void end_tile() {
    if (turns_tiles_) [[unlikely]] {
      turn(tiles_);
    }
    row_ = found_ = 0;
    tiles_ += kPieces * kTile;
    p_ += kStep;
    if (p_ >= inner_) p_ = 0, line_ += kSide;
  }

  const float* x_;
  const std::int64_t line_step_, inner_step_;
  const bool turns_tiles_, across_;
  const float scale_;
  // What is cut now, and where its tile stands that is being cut.
  const float* begin_ = nullptr;
  std::int64_t lines_ = 0, inner_ = 0;
  std::uint32_t* tiles_ = nullptr;
  std::int64_t line_ = 0, p_ = 0;
  std::int64_t row_ = 0, found_ = 0;
  const float* rows_[2] = {};
  std::int64_t step_[2] = {};
  Square copies_[2];
  Floats check_{};
};

}  // namespace gradus::cpu::tiles
