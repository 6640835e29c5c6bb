// Random numbers and dropout: Philox (tensor/philox.h) on as many blocks at once as a vector has
// 64-bit lanes. Highway compiles this file once for each kind of CPU, and CMakeLists.txt says that no product
// may be merged with a sum: each is rounded, as in tensor/box_muller.h.
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
#include "tensor/box_muller.h"
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

#if HWY_TARGET != HWY_SCALAR
template <class D, class V, std::size_t kTerms>
HWY_INLINE V rounded_polynomial(D d, V t, const double (&p)[kTerms]) {
  V sum = hn::Set(d, p[0]);
  for (std::size_t i = 1; i < kTerms; ++i) sum = hn::Add(hn::Mul(sum, t), hn::Set(d, p[i]));
  return sum;
}

// box_muller::log of a vector.
template <class D, class V>
HWY_INLINE V rounded_log(D d, V x) {
  const hn::RebindToSigned<D> whole;
  const auto bits = hn::BitCast(whole, x);
  const auto e = hn::ShiftRight<52>(hn::Sub(bits, hn::Set(whole, box_muller::kRootHalf)));
  const V m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<52>(e)));
  const V one = hn::Set(d, 1.0);
  const V s = hn::Div(hn::Sub(m, one), hn::Add(m, one)), t = hn::Mul(s, s);
  const V rest = hn::Mul(hn::Mul(s, t), rounded_polynomial(d, t, box_muller::kLogFit));
  return hn::Add(hn::Mul(hn::ConvertTo(d, e), hn::Set(d, box_muller::kLog2)),
                 hn::Add(rest, hn::Add(s, s)));
}

// box_muller::pair of a vector of pairs.
template <class D, class V>
HWY_INLINE void normal_pairs(D d, const std::uint32_t* bits, V& a, V& b) {
  const auto set = [d](double v) HWY_ATTR { return hn::Set(d, v); };
  const hn::RebindToSigned<D> whole;
  const hn::Rebind<std::int32_t, D> half;
  hn::Vec<hn::Rebind<std::uint32_t, D>> u, v;
  hn::LoadInterleaved2(hn::Rebind<std::uint32_t, D>(), bits, u, v);
  const auto to_uniform = [=](auto w) HWY_ATTR {
    return hn::Mul(hn::PromoteTo(d, hn::BitCast(half, hn::ShiftRight<8>(w))), set(0x1p-24));
  };
  const V log = rounded_log(d, hn::Sub(set(1), to_uniform(u)));
  const V radius = hn::Sqrt(hn::Mul(set(-2), log));
  const V turn = to_uniform(v);
  const auto quarter = hn::DemoteTo(half, hn::Add(hn::Mul(turn, set(4)), set(0.5)));
  const V r = hn::Sub(turn, hn::Mul(hn::PromoteTo(d, quarter), set(0.25))), t = hn::Mul(r, r);
  const V sine = hn::Add(hn::Mul(hn::Mul(r, t), rounded_polynomial(d, t, box_muller::kSinFit)),
                         hn::Mul(r, set(box_muller::kTwoPi)));
  const V cosine = hn::Add(hn::Mul(t, rounded_polynomial(d, t, box_muller::kCosFit)), set(1));
  const auto q = hn::PromoteTo(whole, quarter);
  const auto odd = hn::RebindMask(d, hn::TestBit(q, hn::Set(whole, 1)));
  const auto minus = [=](auto k) HWY_ATTR {  // the bit of the sign where k is 2 or 3
    return hn::BitCast(d, hn::ShiftLeft<62>(hn::And(k, hn::Set(whole, 2))));
  };
  a = hn::Mul(radius,
              hn::Xor(hn::IfThenElse(odd, sine, cosine), minus(hn::Add(q, hn::Set(whole, 1)))));
  b = hn::Mul(radius, hn::Xor(hn::IfThenElse(odd, cosine, sine), minus(q)));
}
#endif

HWY_FLATTEN void normal_row(const std::uint32_t* bits, double mean, double deviation, DType dtype,
                            void* out, std::int64_t n) {
  dispatch_floating(dtype, [&](auto zero) HWY_ATTR {
    using T = decltype(zero);
    T* to = static_cast<T*>(out);
    std::int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
    const hn::ScalableTag<double> d;
    const hn::Rebind<T, decltype(d)> out_tag;
    const auto scaled = [=](auto x) HWY_ATTR {
      return hn::Add(hn::Set(d, mean), hn::Mul(hn::Set(d, deviation), x));
    };
    const auto step = 2 * static_cast<std::int64_t>(hn::Lanes(d));
    for (; i + step <= n; i += step) {
      hn::Vec<decltype(d)> a, b;
      normal_pairs(d, bits + i, a, b);
      if constexpr (sizeof(T) == 8) {
        hn::StoreInterleaved2(scaled(a), scaled(b), out_tag, to + i);
      } else {
        hn::StoreInterleaved2(hn::DemoteTo(out_tag, scaled(a)), hn::DemoteTo(out_tag, scaled(b)),
                              out_tag, to + i);
      }
    }
#endif
    for (; i < n; i += 2) {
      const auto pair = box_muller::pair(bits[i], bits[i + 1]);
      to[i] = static_cast<T>(mean + deviation * pair[0]);
      if (i + 1 < n) to[i + 1] = static_cast<T>(mean + deviation * pair[1]);
    }
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
HWY_EXPORT(normal_row);
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

void normal(std::uint64_t seed, std::uint64_t stream, double mean, double deviation,
            const View& out) {
  with_bits(seed, stream, out.shape().numel(), [&](auto* bits, std::int64_t i, std::int64_t n) {
    HWY_DYNAMIC_DISPATCH(normal_row)
    (bits, mean, deviation, out.dtype, element(out, i), n);
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
