// Where kernels put their results. One that is too large for the caches is written past them: a
// cache would read each line before it is written over, and drop it before anything asks for it.
//
//   Sink sink(out);
//   void* to = sink.room(i);   // for elements i, i + 1, ..., up to kPiece of them if sink.buffers()
//   ...                        // write n elements there
//   sink.done(i, n, {ends});   // of what was read for it: the next piece will read on from there
//
// While a piece is written, what will be read is fetched, so that neither waits for the other. For
// one task; the destructor waits until what was written can be seen by others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "backends/cpu/merge.h"
#include "tensor/backend.h"

namespace gradus::cpu {

// Whether a result of so many bytes should be written past the caches.
constexpr bool past_caches(std::int64_t bytes) { return bytes >= std::int64_t{32} << 20; }

class Sink {
 public:
  explicit Sink(const View& out);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  bool buffers() const { return buffers_; }
  std::byte* room(std::int64_t i) { return buffers_ ? buffer_.data() : to_ + i * size_; }
  void done(std::int64_t i, std::int64_t n, std::span<const void* const> next = {});

 private:
  std::byte* to_;
  std::int64_t size_;  // of an element
  bool buffers_;
  alignas(64) std::array<std::byte, static_cast<std::size_t>(kPiece) * 8> buffer_;
};

}  // namespace gradus::cpu
