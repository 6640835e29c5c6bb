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

#include "backends/cpu/gemm_tiles.h"

// For functions that run only where there is AMX.
#define GRADUS_AMX [[gnu::target("avx512f,avx512bw,amx-tile,amx-bf16")]]

namespace gradus::cpu {

using namespace tiles;

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

template <int kPiecesOfNumber>
struct Amx {
  static constexpr int kPieces = kPiecesOfNumber;
  static constexpr int kRows = kSide;
  static constexpr int kCalls = kPieces == 3 ? 6 : 2;
  static constexpr bool kTakesColumns = false;
  static constexpr bool kFinishes = false;
  using Registers = TileRegisters;

  template <int kWide, bool kColumns>
  static void block(std::int64_t rows, std::int64_t steps, const std::uint32_t* a,
                    const std::uint32_t* b, bool add, float* c, std::int64_t distance,
                    const Ending&, Cutter<kPieces>& ahead) {
    const auto kernel = rows > kSide ? multiply_tiles<2, kWide> : multiply_tiles<1, kWide>;
    kernel(steps, a, b, add, c, distance, ahead);
  }

 private:
  template <int kHigh, int kWide>
  GRADUS_AMX static void multiply_tiles(std::int64_t steps, const std::uint32_t* a,
                                        const std::uint32_t* b, bool add, float* c,
                                        std::int64_t distance, Cutter<kPieces>& ahead) {
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
      if constexpr (kPieces == 1) ahead.go_on();
      if constexpr (kPieces == 3) {
        b_piece(2), multiply<kHigh, kWide>(), ahead.go_on();
        a_piece(2), multiply<kHigh, kWide>(), ahead.go_on();
        b_piece(1), multiply<kHigh, kWide>(), ahead.go_on();
        a_piece(3), multiply<kHigh, kWide>(), ahead.go_on();
        a_piece(1), b_piece(3), multiply<kHigh, kWide>(), ahead.go_on();
      }
      a += kPieces * kTile, a_below += kPieces * kTile;
      b += kPieces * kTile, b_right += kPieces * kTile;
    }
    _tile_stored(0, c, bytes);
    if constexpr (kWide == 2) _tile_stored(1, c + kSide, bytes);
    if constexpr (kHigh == 2) _tile_stored(2, below, bytes);
    if constexpr (kHigh == 2 && kWide == 2) _tile_stored(3, below + kSide, bytes);
  }
};

}  // namespace

void gemm_amx(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
              Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending) {
  gemm_tiles<Amx<3>>(m, n, k, alpha, a, b, add, c, distance, ending);
}
void gemm_amx_bf16(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                   Matrix<float> b, bool add, float* c, std::int64_t distance,
                   const Ending& ending) {
  gemm_tiles<Amx<1>>(m, n, k, alpha, a, b, add, c, distance, ending);
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
void gemm_amx_bf16(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                   Matrix<float> b, bool add, float* c, std::int64_t distance,
                   const Ending& ending) {
  gemm_vectors(m, n, k, alpha, a, b, add, c, distance, ending);
}

}  // namespace gradus::cpu
#endif
