// Philox4x32-10, the counter-based random generator of Salmon, Moraes, Dror and Shaw, "Parallel
// random numbers: as easy as 1, 2, 3" (SC 2011). Number i of a stream depends only on (seed,
// stream, i), so any thread or backend can compute any part of a stream, and one seed gives the
// same numbers everywhere.
//
//   philox(seed, stream, block)   four 32-bit numbers: elements 4 * block .. 4 * block + 3
#pragma once

#include <array>
#include <cstdint>

namespace gradus {

inline std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t stream,
                                           std::uint64_t block) {
  std::uint32_t k0 = static_cast<std::uint32_t>(seed);
  std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
  std::array<std::uint32_t, 4> c{
      static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
      static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

// The top 24 bits as a float in [0, 1), exact in both f32 and f64.
inline float to_uniform(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

}  // namespace gradus
