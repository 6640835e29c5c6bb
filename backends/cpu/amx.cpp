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
#include <memory>
#include <new>

#include "backends/cpu/amx_pieces.h"

namespace gradus::cpu {

using namespace amx;

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

// Of the sum, and of the rows of a or the columns of b that are cut first and then stay in the
// second-level cache.
constexpr std::int64_t kInner = 256;
constexpr std::int64_t kMostKept = 512;

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
                      float* c, std::int64_t distance, Cutter& ahead) {
  // To the compiler tiles are no reads of memory: what was written must be there by now.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const std::int64_t bytes = distance * static_cast<std::int64_t>(sizeof(float));
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
  float awake = 0;
  for (std::int64_t s = 0; s < steps; ++s) {
    // After 0.7 us without any f32 arithmetic, storing a tile takes 0.3 us more (measured, not
    // documented): one addition a step prevents that.
    asm volatile("vaddss %0, %0, %0" : "+x"(awake));
    a_piece(1), b_piece(1), multiply<kHigh, kWide>(), ahead.go_on();
    b_piece(2), multiply<kHigh, kWide>(), ahead.go_on();
    a_piece(2), multiply<kHigh, kWide>(), ahead.go_on();
    b_piece(1), multiply<kHigh, kWide>(), ahead.go_on();
    a_piece(3), multiply<kHigh, kWide>(), ahead.go_on();
    a_piece(1), b_piece(3), multiply<kHigh, kWide>(), ahead.go_on();
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
                         std::int64_t distance, const Ending& ending, Cutter& ahead) {
  const auto kernel = rows > kSide ? (columns > kSide ? block<2, 2> : block<2, 1>)
                                   : (columns > kSide ? block<1, 2> : block<1, 1>);
  if (rows % kSide == 0 && columns % kSide == 0) {
    kernel(steps, a, b, add, c, distance, ahead);
    return ending(c, rows, columns, distance);
  }
  alignas(64) float whole[kBlock * kBlock];
  for (std::int64_t i = 0; add && i < rows; ++i) {  // c has only a part of a tile
    std::copy_n(c + i * distance, columns, whole + i * kBlock);
  }
  kernel(steps, a, b, add, whole, kBlock, ahead);
  ending(whole, rows, columns, kBlock);
  for (std::int64_t i = 0; i < rows; ++i) {
    std::copy_n(whole + i * kBlock, columns, c + i * distance);
  }
}

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

}  // namespace

GRADUS_AMX void gemm_amx(std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                         Matrix<float> a, Matrix<float> b, bool add, float* c,
                         std::int64_t distance, const Ending& ending) {
  const TileRegisters registers;
  constexpr std::int64_t kLine = kInner / 2 * kPieces;
  std::uint32_t* kept_tiles = memory_for_tiles();
  std::uint32_t* tiles = kept_tiles + kMostKept * kLine;
  std::uint32_t* tiles_ahead = tiles + kBlock * kLine;
  // The one with fewer lines is kept, those of the other come by, 32 at a time. But a block beside
  // the one before, as where b is kept, is written sooner than one below it.
  const bool keep_b = n <= 2 * m;
  const Matrix<float> kept = keep_b ? b.transposed() : a, passing = keep_b ? a : b.transposed();
  const std::int64_t kept_lines = keep_b ? n : m, passing_lines = keep_b ? m : n;
  Cutter cutter(kept, keep_b, alpha), ahead(passing, !keep_b, 1.f);
  for (std::int64_t first = 0; first < kept_lines; first += kMostKept) {
    const std::int64_t lines = std::min(kMostKept, kept_lines - first);
    ahead.parts_at_once = lines > kBlock ? 1 : 2;  // so as to be done in time
    for (std::int64_t p = 0; p < k; p += kInner) {
      const std::int64_t inner = std::min(kInner, k - p);
      const std::int64_t steps = (inner + kStep - 1) / kStep;
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
            block_of(rows, columns, steps, keep_b ? tiles : kept_at, keep_b ? kept_at : tiles,
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

}  // namespace gradus::cpu

#else

namespace gradus::cpu {

namespace {

bool amx_granted() { return false; }

}  // namespace

void gemm_amx(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
              Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending) {
  gemm_vectors(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu
#endif
