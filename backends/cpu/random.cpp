// Random numbers and dropout: Philox (tensor/philox.h) on as many blocks at once as a vector has
// 64-bit lanes. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/random.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
#include "backends/cpu/simd_philox-inl.h"
// clang-format on

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// The bits of n numbers; whole vectors of them can be read.
HWY_FLATTEN void uniform_row(const std::uint32_t* bits, DType dtype, void* out, std::int64_t n) {
  dispatch_floating(dtype, [&](auto zero) HWY_ATTR {
    using T = decltype(zero);
    write_row(static_cast<T*>(out), n, [&](auto d, std::int64_t i, std::int64_t) HWY_ATTR {
      return uniform_of(d, bits + i);
    });
  });
}

HWY_FLATTEN void dropout_row(const std::uint32_t* bits, double p, DType dtype, const void* x,
                             void* out, std::int64_t n, bool past_caches) {
  dispatch_floating(dtype, [&](auto zero) HWY_ATTR {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    write_row(static_cast<T*>(out), n, past_caches, std::array{from},
              [&](auto d, std::int64_t i, std::int64_t count)
                  HWY_ATTR { return drop(d, load_some(d, from + i, count), bits + i, p); });
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_bits);
HWY_EXPORT(uniform_row);
HWY_EXPORT(dropout_row);

namespace {

// Calls body(bits, i, n) with the numbers of elements i .. i + n - 1, over [0, count).
template <class Body>
void with_bits(std::uint64_t seed, std::uint64_t stream, std::int64_t count, const Body& body) {
  constexpr std::int64_t kNumbers = 512;
  static_assert(kGrain % kNumbers == 0 && kNumbers % 4 == 0);
  parallel_for(count, kGrain, [&](std::int64_t i, std::int64_t end) {
    alignas(64) std::uint32_t bits[kNumbers];
    for (; i < end; i += kNumbers) {
      const std::int64_t n = std::min(kNumbers, end - i);
      HWY_DYNAMIC_DISPATCH(target_bits)
      (seed, stream, static_cast<std::uint64_t>(i / 4), (n + 3) / 4, bits);
      body(bits, i, n);
    }
    hwy::FlushStream();  // where body wrote past the caches
  });
}

}  // namespace

void uniform(std::uint64_t seed, std::uint64_t stream, const View& out) {
  with_bits(seed, stream, out.shape().numel(), [&](auto* bits, std::int64_t i, std::int64_t n) {
    if (out.dtype == DType::i32) {
      std::memcpy(element(out, i), bits, static_cast<std::size_t>(n) * sizeof *bits);
      return;
    }
    HWY_DYNAMIC_DISPATCH(uniform_row)
    (bits, out.dtype, element(out, i), n);
  });
}

void dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream, const View& y) {
  const bool past = past_caches(y);
  with_bits(seed, stream, x.shape().numel(), [&](auto* bits, std::int64_t i, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(dropout_row)
    (bits, p, x.dtype, element(x, i), element(y, i), n, past);
  });
}

}  // namespace gradus::cpu
#endif
