// Random numbers and dropout: Philox (tensor/philox.h) on as many blocks at once as a vector has
// 64-bit lanes. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/random.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_philox-inl.h"
// clang-format on

#include <algorithm>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

template <class T>
void uniform_of(const std::uint32_t* HWY_RESTRICT bits, void* out, std::int64_t n) {
  T* HWY_RESTRICT to = static_cast<T*>(out);
  for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(number_of(bits[i]));
}

template <class T>
void drop(const std::uint32_t* HWY_RESTRICT bits, double p, const void* x, void* out,
          std::int64_t n) {
  const T* HWY_RESTRICT from = static_cast<const T*>(x);
  T* HWY_RESTRICT to = static_cast<T*>(out);
  const float least = static_cast<float>(p);
  const T scale = static_cast<T>(1 / (1 - p));
  for (std::int64_t i = 0; i < n; ++i) {
    const T kept = from[i] * scale;
    to[i] = number_of(bits[i]) >= least ? kept : T{0};
  }
}

void target_uniform(const std::uint32_t* bits, DType dtype, void* out, std::int64_t n) {
  dispatch_floating(dtype, [&](auto zero) { uniform_of<decltype(zero)>(bits, out, n); });
}

void target_drop(const std::uint32_t* bits, double p, DType dtype, const void* x, void* out,
                 std::int64_t n) {
  dispatch_floating(dtype, [&](auto zero) { drop<decltype(zero)>(bits, p, x, out, n); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(target_bits);
HWY_EXPORT(target_uniform);
HWY_EXPORT(target_drop);

namespace {

// Calls body(bits, i, n) with the numbers of elements i .. i + n - 1, over [0, count).
template <class Body>
void with_bits(std::uint64_t seed, std::uint64_t stream, std::int64_t count, const Body& body) {
  constexpr std::int64_t kNumbers = 1024;
  static_assert(kGrain % kNumbers == 0 && kNumbers % 4 == 0);
  parallel_for(count, kGrain, [&](std::int64_t i, std::int64_t end) {
    alignas(64) std::uint32_t bits[kNumbers];
    for (; i < end; i += kNumbers) {
      const std::int64_t n = std::min(kNumbers, end - i);
      HWY_DYNAMIC_DISPATCH(target_bits)
      (seed, stream, static_cast<std::uint64_t>(i / 4), (n + 3) / 4, bits);
      body(bits, i, n);
    }
  });
}

}  // namespace

void uniform(std::uint64_t seed, std::uint64_t stream, const View& out) {
  const auto size = static_cast<std::int64_t>(size_of(out.dtype));
  with_bits(seed, stream, out.shape().numel(), [&](auto* bits, std::int64_t i, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(target_uniform)
    (bits, out.dtype, out.buffer->host() + (out.layout.offset + i) * size, n);
  });
}

void dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream, const View& y) {
  const auto size = static_cast<std::int64_t>(size_of(x.dtype));
  with_bits(seed, stream, x.shape().numel(), [&](auto* bits, std::int64_t i, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(target_drop)
    (bits, p, x.dtype, x.buffer->host() + (x.layout.offset + i) * size,
     y.buffer->host() + (y.layout.offset + i) * size, n);
  });
}

}  // namespace gradus::cpu
#endif
