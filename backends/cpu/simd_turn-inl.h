// Small squares of a matrix, turned in registers: what a product's panels and a transposed copy are made
// of. For the files that Highway compiles once for each kind of CPU.
//
// No #pragma once: Highway includes this again for each target.
#if defined(GRADUS_SIMD_TURN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SIMD_TURN_INL_H
#undef GRADUS_SIMD_TURN_INL_H
#else
#define GRADUS_SIMD_TURN_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Rows and columns of a square: 16 bytes.
template <class T>
constexpr std::int64_t kSquare = HWY_TARGET == HWY_SCALAR ? 1 : 16 / sizeof(T);

// to[r * to_step + c] = from[c * from_step + r], over a square.
template <class T>
HWY_INLINE void turn(const T* from, std::int64_t from_step, T* to, std::int64_t to_step) {
#if HWY_TARGET == HWY_SCALAR
  (void)from_step, (void)to_step;
  *to = *from;
#else
  const hn::Full128<T> d;
  const auto a = hn::LoadU(d, from), b = hn::LoadU(d, from + from_step);
  if constexpr (sizeof(T) == 8) {
    hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
    hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_step);
  } else {
    const auto c = hn::LoadU(d, from + 2 * from_step), e = hn::LoadU(d, from + 3 * from_step);
    const auto ac = hn::InterleaveLower(d, a, c), be = hn::InterleaveLower(d, b, e);
    const auto ac_upper = hn::InterleaveUpper(d, a, c), be_upper = hn::InterleaveUpper(d, b, e);
    hn::StoreU(hn::InterleaveLower(d, ac, be), d, to);
    hn::StoreU(hn::InterleaveUpper(d, ac, be), d, to + to_step);
    hn::StoreU(hn::InterleaveLower(d, ac_upper, be_upper), d, to + 2 * to_step);
    hn::StoreU(hn::InterleaveUpper(d, ac_upper, be_upper), d, to + 3 * to_step);
  }
#endif
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
