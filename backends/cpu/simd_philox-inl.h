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
  // Each 32-bit word of the state is the low half of a 64-bit lane; the high halves hold rubbish. Two vectors
  // of each word advance together: a round of one waits for its products.
  const hn::ScalableTag<std::uint64_t> d;
  const hn::Repartition<std::uint32_t, decltype(d)> d32;
  using V = hn::Vec<decltype(d)>;
  const auto set = [d](std::uint64_t v) HWY_ATTR { return hn::Set(d, v); };
  const auto product = [d32](V a, V b) HWY_ATTR {  // of the low halves
    return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b));
  };
  constexpr int kRounds = 10, kTogether = 2;
  V keys[kRounds][2];
  for (int round = 0; round < kRounds; ++round) {
    const auto times = static_cast<std::uint32_t>(round);
    keys[round][0] = set(static_cast<std::uint32_t>(seed) + times * 0x9E3779B9U);
    keys[round][1] = set(static_cast<std::uint32_t>(seed >> 32) + times * 0xBB67AE85U);
  }
  const V low = set(0xFFFFFFFF), m0 = set(0xD2511F53), m1 = set(0xCD9E8D57);
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d)), step = kTogether * lanes;
  for (; i + step <= blocks; i += step) {
    V c0[kTogether], c1[kTogether], c2[kTogether], c3[kTogether];
    for (int t = 0; t < kTogether; ++t) {
      c0[t] = hn::Add(set(block + static_cast<std::uint64_t>(i + t * lanes)), hn::Iota(d, 0));
      c1[t] = hn::ShiftRight<32>(c0[t]);
      c2[t] = set(stream);
      c3[t] = set(stream >> 32);
    }
    for (int round = 0; round < kRounds; ++round) {
      const V k0 = keys[round][0], k1 = keys[round][1];
      for (int t = 0; t < kTogether; ++t) {
        const V p0 = product(m0, c0[t]), p1 = product(m1, c2[t]);
        c0[t] = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1[t]), k0);
        c1[t] = p1;
        c2[t] = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3[t]), k1);
        c3[t] = p0;
      }
    }
    for (int t = 0; t < kTogether; ++t) {
      const V first = hn::Or(hn::And(c0[t], low), hn::ShiftLeft<32>(c1[t]));
      const V second = hn::Or(hn::And(c2[t], low), hn::ShiftLeft<32>(c3[t]));
      hn::StoreInterleaved2(first, second, d,
                            reinterpret_cast<std::uint64_t*>(out + 4 * (i + t * lanes)));
    }
  }
#endif
  for (; i < blocks; ++i) {
    const auto numbers = philox(seed, stream, block + static_cast<std::uint64_t>(i));
    std::copy(numbers.begin(), numbers.end(), out + 4 * i);
  }
}

// to_uniform (tensor/philox.h) of a vector of numbers.
template <class D>
HWY_INLINE hn::Vec<D> uniform_of(D d, const std::uint32_t* bits) {
  const hn::Rebind<std::uint32_t, D> d32;
  const hn::RebindToSigned<decltype(d32)> whole;
  const auto number = hn::BitCast(whole, hn::ShiftRight<8>(hn::LoadU(d32, bits)));
  if constexpr (sizeof(hn::TFromD<D>) == 4) {
    return hn::Mul(hn::ConvertTo(d, number), hn::Set(d, 0x1p-24F));
  } else {
    return hn::Mul(hn::PromoteTo(d, number), hn::Set(d, 0x1p-24));
  }
}

// Dropout of a vector: x / (1 - p) where the numbers are at least p, 0 elsewhere.
template <class D, class V, class T = hn::TFromD<D>>
HWY_INLINE V drop(D d, V x, const std::uint32_t* bits, double p) {
  const auto kept = hn::Ge(uniform_of(d, bits), hn::Set(d, static_cast<float>(p)));
  // Not IfThenElseZero, for the reason that Relu::gradient has (simd_activations-inl.h).
  return hn::And(hn::VecFromMask(d, kept), hn::Mul(x, hn::Set(d, static_cast<T>(1 / (1 - p)))));
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
