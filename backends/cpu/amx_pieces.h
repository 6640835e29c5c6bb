// Numbers cut into the pieces that AMX multiplies (amx.h says how), laid out as its tiles. For
// amx.cpp alone: what runs here runs only where there is AMX.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "backends/cpu/gemm.h"

// For functions that run only where there is AMX. (A macro, since attributes take no constants.)
#define GRADUS_AMX [[gnu::target("avx512f,avx512bw,amx-tile,amx-bf16")]]

namespace gradus::cpu::amx {

constexpr std::int64_t kSide = 16;  // rows of a tile; its columns, too: of f32, or pairs of bf16
constexpr std::int64_t kStep = 2 * kSide;      // of a sum, in a tile
constexpr std::int64_t kPieces = 3;            // of a number
constexpr std::int64_t kTile = kSide * kSide;  // elements of 4 bytes
constexpr std::int64_t kBlock = 2 * kSide;     // rows and columns of c that are computed together

using Floats [[gnu::vector_size(64)]] = float;
using Bits [[gnu::vector_size(64)]] = std::uint32_t;
using Square = Floats[kSide];

// Rows become columns. Interleaving rows i and i + 8 moves one of the four bits of a row's number
// into the column's.
GRADUS_AMX inline void turn(Square& x) {
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
}

// The [16, 16] at the start of x; where only `rows` x `columns` are there, the rest is 0.
GRADUS_AMX inline void load(Matrix<float> x, std::int64_t rows, std::int64_t columns, Square& out) {
  const bool by_columns = x.column_step != 1 && x.row_step == 1;
  if (by_columns) {
    x = x.transposed();
    std::swap(rows, columns);
  }
  if (x.column_step == 1 && rows >= kSide && columns >= kSide) {
#pragma GCC unroll 16
    for (std::int64_t i = 0; i < kSide; ++i) {
      std::memcpy(&out[i], x.data + i * x.row_step, sizeof out[i]);
    }
  } else {
    std::memset(&out, 0, sizeof out);
    for (std::int64_t i = 0; i < std::min(rows, kSide); ++i) {
      for (std::int64_t j = 0; j < std::min(columns, kSide); ++j) {
        out[i][j] = x.data[i * x.row_step + j * x.column_step];
      }
    }
  }
  if (by_columns) turn(out);
}

// Cuts x [lines, inner] - rows of a, or columns of b - into tiles [lines / 16][inner / 32][piece], in
// which each number of a pair comes from a square of its own: the two lie beside each other in a,
// below each other in b. A tile is cut in six parts, so that this can be done while others are
// multiplied: by two units of the CPU that work at the same time.
class Cutter {
 public:
  static constexpr int kParts = 6;
  int parts_at_once = 1;

  GRADUS_AMX Cutter(bool of_b, float scale) : of_b_(of_b), scale_(scale) {}

  GRADUS_AMX void start(Matrix<float> x, std::int64_t lines, std::int64_t inner,
                        std::uint32_t* tiles) {
    x_ = x, lines_ = lines, inner_ = inner, tiles_ = tiles;
    line_ = p_ = part_ = 0;
    check_ = Floats{};
  }

  // Cuts `parts_at_once`.
  GRADUS_AMX void go_on() {
    for (int i = 0; i < parts_at_once; ++i) cut_part();
  }

  // Cuts the rest. False if there was a number that has no such pieces.
  GRADUS_AMX bool finish() {
    while (part_ > 0) cut_part();
    while (line_ < lines_) {
      find_square(0);
      find_square(1);
      cut_rows<kSide>(0);
      next();
    }
    bool zero = true;
    for (int i = 0; i < kSide; ++i) zero &= check_[i] == 0;
    return zero;
  }

 private:
  GRADUS_AMX void cut_part() {
    if (line_ >= lines_) return;
    constexpr int kRows = kSide / (kParts - 2);
    part_ < 2 ? find_square(part_) : cut_rows<kRows>((part_ - 2) * kRows);
    if (++part_ == kParts) next();
  }

  GRADUS_AMX void next() {
    part_ = 0;
    tiles_ += kPieces * kTile;
    p_ += kStep;
    if (p_ >= inner_) p_ = 0, line_ += kSide;
  }

  // Where the rows of a tile's first or second square are: in x, or in a copy.
  GRADUS_AMX void find_square(int i) {
    const std::int64_t p = p_ + i * kSide;
    // Lines far apart are slow to come: those of the next block set out now.
    const float* next = x_.from(line_ + kBlock, p).data;
    const std::int64_t apart = std::max(x_.row_step, x_.column_step);
    for (int line = 0; line < kSide; ++line) __builtin_prefetch(next + line * apart, 0, 2);
    Matrix<float> from = x_.from(line_, p);
    std::int64_t rows = lines_ - line_, columns = inner_ - p;
    if (of_b_) from = from.transposed(), std::swap(rows, columns);
    if (from.column_step == 1 && rows >= kSide && columns >= kSide && scale_ == 1) {
      rows_[i] = from.data;
      step_[i] = from.row_step;
      return;
    }
    load(from, rows, columns, copies_[i]);
    for (Floats& row : copies_[i]) row *= scale_;
    rows_[i] = reinterpret_cast<const float*>(&copies_[i]);
    step_[i] = kSide;
  }

  template <int kRows>
  GRADUS_AMX void cut_rows(int first) {
    constexpr std::uint32_t kUpper = 0xffff0000, kHalf = 0x8000;
    const float *x_row = rows_[0] + first * step_[0], *y_row = rows_[1] + first * step_[1];
    std::uint32_t* to = tiles_ + first * kSide;
    Floats check = check_;
    for (int row = 0; row < kRows; ++row, x_row += step_[0], y_row += step_[1], to += kSide) {
      Floats x, y;
      std::memcpy(&x, x_row, sizeof x);
      std::memcpy(&y, y_row, sizeof y);
#pragma GCC unroll 3
      for (int piece = 0; piece < kPieces; ++piece) {
        // Rounded to bf16, but for the last: it is one.
        const std::uint32_t half = piece == kPieces - 1 ? 0 : kHalf;
        const Bits x_piece = reinterpret_cast<Bits>(x) + half;
        const Bits y_piece = (reinterpret_cast<Bits>(y) + half) & kUpper;
        const Bits pair = x_piece >> 16 | y_piece;
        std::memcpy(to + piece * kTile, &pair, sizeof pair);
        if (piece == kPieces - 1) break;
        x -= reinterpret_cast<Floats>(x_piece & kUpper);
        y -= reinterpret_cast<Floats>(y_piece);
      }
      check += (x + y) * 0.f;  // NaN where the first piece is infinite or NaN, as the rest is, too
    }
    check_ = check;
  }

  const bool of_b_;
  const float scale_;
  Matrix<float> x_{};
  std::int64_t lines_ = 0, inner_ = 0;
  std::uint32_t* tiles_ = nullptr;
  std::int64_t line_ = 0, p_ = 0;  // of the tile that is being cut
  int part_ = 0;
  const float* rows_[2] = {};
  std::int64_t step_[2] = {};
  Square copies_[2];
  Floats check_{};
};

}  // namespace gradus::cpu::amx
