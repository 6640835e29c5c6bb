// Philox (tensor/philox.h) on as many blocks at once as a vector has 64-bit lanes, for the files that
// Highway compiles once for each kind of CPU.
//
// No #pragma once: Highway includes this again for each target.
#if defined(GRADUS_SIMD_PHILOX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SIMD_PHILOX_INL_H
#undef GRADUS_SIMD_PHILOX_INL_H
#else
#define GRADUS_SIMD_PHILOX_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "tensor/philox.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Numbers 4 * block .. 4 * (block + blocks) - 1 of the stream.
inline void target_bits(std::uint64_t seed, std::uint64_t stream, std::uint64_t block,
                        std::int64_t blocks, std::uint32_t* out) {
  std::int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  // Each 32-bit word of the state is the low half of a 64-bit lane; the high halves hold rubbish.
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> d32;
  const auto set = [d](std::uint64_t v) HWY_ATTR { return hn::Set(d, v); };
  const auto product = [d32](auto a, auto b) HWY_ATTR {  // of the low halves
    return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b));
  };
  const auto low = set(0xFFFFFFFF);
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  for (; i + step <= blocks; i += step) {
    const auto counter = hn::Add(set(block + static_cast<std::uint64_t>(i)), hn::Iota(d, 0));
    auto c0 = counter;
    auto c1 = hn::ShiftRight<32>(counter);
    auto c2 = set(stream);
    auto c3 = set(stream >> 32);
    std::uint32_t k0 = static_cast<std::uint32_t>(seed);
    std::uint32_t k1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const auto p0 = product(set(0xD2511F53), c0);
      const auto p1 = product(set(0xCD9E8D57), c2);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), set(k0));
      c1 = p1;
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), set(k1));
      c3 = p0;
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    const auto first = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto second = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(first, second, d, reinterpret_cast<std::uint64_t*>(out + 4 * i));
  }
#endif
  for (; i < blocks; ++i) {
    const auto numbers = philox(seed, stream, block + static_cast<std::uint64_t>(i));
    std::copy(numbers.begin(), numbers.end(), out + 4 * i);
  }
}

// to_uniform, in words that the compiler makes vectors of.
inline float number_of(std::uint32_t bits) {
  return static_cast<float>(static_cast<std::int32_t>(bits >> 8)) * 0x1p-24f;
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
