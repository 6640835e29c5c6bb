#include "backends/cpu/amx.h"

#include <atomic>

namespace gradus::cpu {

namespace {

std::atomic<bool> wanted{true};
bool amx_granted();

}  // namespace

void use_amx(bool use) { wanted = use; }

bool amx_in_use() {
  static const bool granted = amx_granted();
  return granted && wanted;
}

}  // namespace gradus::cpu

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

// For functions that run only where there is AMX. (A macro, since attributes take no constants.)
#define GRADUS_AMX [[gnu::target("avx512f,avx512bw,amx-tile,amx-bf16")]]

namespace gradus::cpu {

namespace {

// Linux keeps the registers of tiles only for programs that ask for them.
bool amx_granted() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  constexpr unsigned kBf16AndTiles = 1U << 22 | 1U << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx512bw") && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
         (d & kBf16AndTiles) == kBf16AndTiles &&
         syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

constexpr std::int64_t kSide = 16;  // rows of a tile; its columns, too: of f32, or pairs of bf16
constexpr std::int64_t kStep = 2 * kSide;      // of a sum, in a tile
constexpr std::int64_t kPieces = 3;            // of a number
constexpr std::int64_t kTile = kSide * kSide;  // elements of 4 bytes
constexpr std::int64_t kBlock = 2 * kSide;     // rows and columns of c that are computed together

// Of the sum, of rows of a and of columns of b: what is cut into pieces at a time. A block's part of
// b stays in the first-level cache, all of it in the second.
constexpr std::int64_t kInner = 128;
constexpr std::int64_t kMostRows = 256;
constexpr std::int64_t kMostColumns = 1024;

using Floats [[gnu::vector_size(64)]] = float;
using Bits [[gnu::vector_size(64)]] = std::uint32_t;
using Square = Floats[kSide];

// ---- Cutting numbers into pieces ----

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

// Cuts two squares, which lie beside each other in a and below each other in b, into three tiles of
// pairs of bf16, one number of each square. False if a number has no such pieces.
GRADUS_AMX inline bool cut(Square& first, Square& second, float scale, std::uint32_t* tiles) {
  constexpr std::uint32_t kUpper = 0xffff0000, kHalf = 0x8000, kSign = 0x80000000;
  constexpr std::uint32_t kInfinite = 0x7f800000;
  Bits largest{};
  for (std::int64_t i = 0; i < kSide; ++i) {
    Floats x = first[i] * scale, y = second[i] * scale;
#pragma GCC unroll 3
    for (std::int64_t piece = 0; piece < kPieces; ++piece) {
      const Bits x_piece = (reinterpret_cast<Bits>(x) + kHalf) & kUpper;  // rounded to bf16
      const Bits y_piece = (reinterpret_cast<Bits>(y) + kHalf) & kUpper;
      if (piece == 0) {
        const Bits x_size = x_piece & ~kSign, y_size = y_piece & ~kSign;
        largest = x_size > largest ? x_size : largest;
        largest = y_size > largest ? y_size : largest;
      }
      const Bits pair = x_piece >> 16 | y_piece;
      std::memcpy(tiles + piece * kTile + i * kSide, &pair, sizeof pair);
      x -= reinterpret_cast<Floats>(x_piece);
      y -= reinterpret_cast<Floats>(y_piece);
    }
  }
  std::uint32_t most = 0;
  for (int i = 0; i < kSide; ++i) most = std::max<std::uint32_t>(most, largest[i]);
  return most < kInfinite;
}

// Tiles of a [rows, inner]: [rows / 16][inner / 32][piece].
GRADUS_AMX bool cut_rows(Matrix<float> a, std::int64_t rows, std::int64_t inner, float scale,
                         std::uint32_t* tiles) {
  bool good = true;
  Square left, right;
  for (std::int64_t i = 0; i < rows; i += kSide) {
    for (std::int64_t p = 0; p < inner; p += kStep, tiles += kPieces * kTile) {
      load(a.from(i, p), rows - i, inner - p, left);
      load(a.from(i, p + kSide), rows - i, inner - p - kSide, right);
      good &= cut(left, right, scale, tiles);
    }
  }
  return good;
}

// Tiles of b [inner, columns]: [columns / 16][inner / 32][piece].
GRADUS_AMX bool cut_columns(Matrix<float> b, std::int64_t inner, std::int64_t columns,
                            std::uint32_t* tiles) {
  bool good = true;
  Square upper, lower;
  for (std::int64_t j = 0; j < columns; j += kSide) {
    for (std::int64_t p = 0; p < inner; p += kStep, tiles += kPieces * kTile) {
      load(b.from(p, j), inner - p, columns - j, upper);
      load(b.from(p + kSide, j), inner - p - kSide, columns - j, lower);
      good &= cut(upper, lower, 1.f, tiles);
    }
  }
  return good;
}

// ---- Multiplying ----

// While it lives, the tile registers are 16 rows of 64 bytes each.
struct TileRegisters {
  struct alignas(64) Shapes {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t bytes_a_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };

  GRADUS_AMX TileRegisters() {
    static constexpr Shapes kShapes;
    _tile_loadconfig(&kShapes);
  }
  GRADUS_AMX ~TileRegisters() { _tile_release(); }
  TileRegisters(const TileRegisters&) = delete;
  TileRegisters& operator=(const TileRegisters&) = delete;
};

// Registers 4 and 5 hold a piece of 16 or 32 rows of a, 6 and 7 of as many columns of b.
template <int kHigh>
GRADUS_AMX inline void load_a(const std::uint32_t* upper, const std::uint32_t* lower) {
  _tile_loadd(4, upper, 64);
  if constexpr (kHigh == 2) _tile_loadd(5, lower, 64);
}
template <int kWide>
GRADUS_AMX inline void load_b(const std::uint32_t* left, const std::uint32_t* right) {
  _tile_loadd(6, left, 64);
  if constexpr (kWide == 2) _tile_loadd(7, right, 64);
}
template <int kHigh, int kWide>
GRADUS_AMX inline void multiply() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (kWide == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (kHigh == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (kHigh == 2 && kWide == 2) _tile_dpbf16ps(3, 5, 7);
}

// c = a b (+ c, if `add`), where a has kHigh tiles of rows and b kWide tiles of columns.
template <int kHigh, int kWide>
GRADUS_AMX void block(std::int64_t steps, const std::uint32_t* a, const std::uint32_t* b, bool add,
                      float* c, std::int64_t distance) {
  // To the compiler tiles are no reads of memory: what was written must be there by now.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::int64_t bytes = distance * static_cast<std::int64_t>(sizeof(float));
  if (false) {  // rows of c far apart are slow to come: fetch those of the next block
    for (std::int64_t i = 0; i < kHigh * kSide; ++i) {
      _mm_prefetch(c + (kBlock + i) * distance, _MM_HINT_T0);
      _mm_prefetch(c + (kBlock + i) * distance + kSide, _MM_HINT_T0);
    }
  }
  float* below = c + kSide * distance;
  if (add) {
    _tile_loadd(0, c, bytes);
    if constexpr (kWide == 2) _tile_loadd(1, c + kSide, bytes);
    if constexpr (kHigh == 2) _tile_loadd(2, below, bytes);
    if constexpr (kHigh == 2 && kWide == 2) _tile_loadd(3, below + kSide, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const std::uint32_t* a_below = a + steps * kPieces * kTile;
  const std::uint32_t* b_right = b + steps * kPieces * kTile;
  const auto a_piece = [&](std::int64_t piece) {
    load_a<kHigh>(a + (piece - 1) * kTile, a_below + (piece - 1) * kTile);
  };
  const auto b_piece = [&](std::int64_t piece) {
    load_b<kWide>(b + (piece - 1) * kTile, b_right + (piece - 1) * kTile);
  };
  for (std::int64_t s = 0; s < steps; ++s) {
    a_piece(1), b_piece(1), multiply<kHigh, kWide>();
    b_piece(2), multiply<kHigh, kWide>();
    a_piece(2), multiply<kHigh, kWide>();
    b_piece(1), multiply<kHigh, kWide>();
    a_piece(3), multiply<kHigh, kWide>();
    a_piece(1), b_piece(3), multiply<kHigh, kWide>();
    a += kPieces * kTile, a_below += kPieces * kTile;
    b += kPieces * kTile, b_right += kPieces * kTile;
  }
  _tile_stored(0, c, bytes);
  if constexpr (kWide == 2) _tile_stored(1, c + kSide, bytes);
  if constexpr (kHigh == 2) _tile_stored(2, below, bytes);
  if constexpr (kHigh == 2 && kWide == 2) _tile_stored(3, below + kSide, bytes);
}

GRADUS_AMX void block_of(std::int64_t rows, std::int64_t columns, std::int64_t steps,
                         const std::uint32_t* a, const std::uint32_t* b, bool add, float* c,
                         std::int64_t distance) {
  const auto kernel = rows > kSide ? (columns > kSide ? block<2, 2> : block<2, 1>)
                                   : (columns > kSide ? block<1, 2> : block<1, 1>);
  if (rows % kSide == 0 && columns % kSide == 0) return kernel(steps, a, b, add, c, distance);
  alignas(64) float whole[kBlock * kBlock];  // tiles that c has only a part of
  for (std::int64_t i = 0; add && i < rows; ++i) {
    std::copy_n(c + i * distance, columns, whole + i * kBlock);
  }
  kernel(steps, a, b, add, whole, kBlock);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(whole + i * kBlock, columns, c + i * distance);
  }
}

std::uint32_t* memory_for_tiles() {
  constexpr std::align_val_t kLine{64};
  struct Free {
    void operator()(std::uint32_t* data) const { ::operator delete(data, kLine); }
  };
  constexpr std::size_t kBytes = kInner * (kMostRows + kMostColumns) * kPieces * 2;
  thread_local const std::unique_ptr<std::uint32_t, Free> memory(
      static_cast<std::uint32_t*>(::operator new(kBytes, kLine)));
  return memory.get();
}

}  // namespace

void gemm_amx(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
              Matrix<float> b, bool add, float* c, std::int64_t distance) {
  const TileRegisters registers;
  std::uint32_t* a_tiles = memory_for_tiles();
  std::uint32_t* b_tiles = a_tiles + kMostRows * kInner / 2 * kPieces;
  for (std::int64_t column = 0; column < n; column += kMostColumns) {
    const std::int64_t columns = std::min(kMostColumns, n - column);
    for (std::int64_t p = 0; p < k; p += kInner) {
      const std::int64_t inner = std::min(kInner, k - p);
      const std::int64_t steps = (inner + kStep - 1) / kStep;
      const std::int64_t tiles = steps * kPieces * kTile;  // of 16 rows or columns
      const bool b_is_cut = cut_columns(b.from(p, column), inner, columns, b_tiles);
      for (std::int64_t row = 0; row < m; row += kMostRows) {
        const std::int64_t rows = std::min(kMostRows, m - row);
        float* to = c + row * distance + column;
        if (!b_is_cut || !cut_rows(a.from(row, p), rows, inner, alpha, a_tiles)) {
          gemm_vectors(rows, columns, inner, alpha, a.from(row, p), b.from(p, column), add || p > 0,
                       to, distance);
          continue;
        }
        for (std::int64_t j = 0; j < columns; j += kBlock) {
          for (std::int64_t i = 0; i < rows; i += kBlock) {
            block_of(std::min(kBlock, rows - i), std::min(kBlock, columns - j), steps,
                     a_tiles + i / kSide * tiles, b_tiles + j / kSide * tiles, add || p > 0,
                     to + i * distance + j, distance);
          }
        }
      }
    }
  }
}

}  // namespace gradus::cpu

#else

namespace gradus::cpu {

namespace {

bool amx_granted() { return false; }

}  // namespace

void gemm_amx(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
              Matrix<float> b, bool add, float* c, std::int64_t distance) {
  gemm_vectors(m, n, k, alpha, a, b, add, c, distance);
}

}  // namespace gradus::cpu
#endif
