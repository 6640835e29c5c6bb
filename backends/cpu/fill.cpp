// fill: every element of a dense view becomes one value. Highway compiles this file once for each kind
// of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/fill.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <cmath>
#include <cstdint>
#include <cstring>

#include "backends/cpu/kernels.h"
#include "backends/cpu/merge.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// `Bits`: a whole number of an element's size.
template <class Bits>
HWY_FLATTEN void fill_row(const void* value, void* to, std::int64_t n, bool past_caches) {
  Bits bits;
  std::memcpy(&bits, value, sizeof(bits));
  write_row(static_cast<Bits*>(to), n, past_caches,
            [bits](auto d, std::int64_t, std::int64_t) HWY_ATTR { return hn::Set(d, bits); });
}

void fill_rows(std::size_t size, const void* value, void* to, std::int64_t n, bool past_caches) {
  switch (size) {
    case 1: return fill_row<std::uint8_t>(value, to, n, past_caches);
    case 4: return fill_row<std::uint32_t>(value, to, n, past_caches);
    default: return fill_row<std::uint64_t>(value, to, n, past_caches);
  }
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(fill_rows);

void repeat(std::size_t size, const void* value, void* to, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(fill_rows)(size, value, to, n, false);
}

void fill(const View& out, double value) {
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    static_assert(sizeof(T) == 1 || sizeof(T) == 4 || sizeof(T) == 8);
    T* to = data_of<T>(out);
    const T element = static_cast<T>(value);
    const std::int64_t count = out.shape().numel();
    const bool past = past_caches(out);
    parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
      if (value == 0 && !std::signbit(value)) {  // written without being read before
        std::memset(to + begin, 0, static_cast<std::size_t>(end - begin) * sizeof(T));
      } else {
        HWY_DYNAMIC_DISPATCH(fill_rows)(sizeof(T), &element, to + begin, end - begin, past);
      }
      if (past) hwy::FlushStream();
    });
  });
}

}  // namespace gradus::cpu
#endif
