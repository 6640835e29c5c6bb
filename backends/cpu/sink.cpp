// Highway compiles this file once for each kind of CPU.
#include "backends/cpu/sink.h"

#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/sink.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/cache_control.h>
#include <hwy/highway.h>
// clang-format on

#include <cstring>

#include "backends/host.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// `from` and `to` begin at cache lines. Meanwhile fetches what is read a piece after `next`: what
// lies at `next` is asked for right after this, too soon to be there.
void stream(const std::uint8_t* from, std::uint8_t* to, std::int64_t bytes,
            std::span<const void* const> next) {
  const hn::ScalableTag<std::uint8_t> d;
  const auto step = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + step <= bytes; i += step) {
    for (const void* read : next) {
      hwy::Prefetch(static_cast<const std::uint8_t*>(read) + bytes + i);
    }
    hn::Stream(hn::Load(d, from + i), d, to + i);
  }
  std::memcpy(to + i, from + i, static_cast<std::size_t>(bytes - i));
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(stream);

Sink::Sink(const View& out)
    : to_(out.buffer->host()), size_(static_cast<std::int64_t>(size_of(out.dtype))) {
  to_ += out.layout.offset * size_;
  buffers_ =
      past_caches(out.shape().numel() * size_) && reinterpret_cast<std::uintptr_t>(to_) % 64 == 0;
}

Sink::~Sink() {
  if (buffers_) hwy::FlushStream();
}

void Sink::done(std::int64_t i, std::int64_t n, std::span<const void* const> next) {
  if (!buffers_) return;
  std::byte* to = to_ + i * size_;
  if (reinterpret_cast<std::uintptr_t>(to) % 64 != 0) {
    std::memcpy(to, buffer_.data(), static_cast<std::size_t>(n * size_));
  } else {
    HWY_DYNAMIC_DISPATCH(stream)
    (reinterpret_cast<const std::uint8_t*>(buffer_.data()), reinterpret_cast<std::uint8_t*>(to),
     n * size_, next);
  }
}

}  // namespace gradus::cpu
#endif
