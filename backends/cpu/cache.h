// A caching allocator. The system hands out fresh memory page by page, zeroing each, which costs
// more than most kernels that fill it; a training step asks for the same sizes again and again. So
// a freed block is kept, and the next request of its size class gets it at once.
//
//   auto cache = std::make_shared<Cache>(1 << 30);
//   std::shared_ptr<Buffer> x = cache->allocate(4096);   // goes back to the cache when x dies
//
// Sizes are rounded up to 8 classes an octave (at most 12.5 % is wasted). Safe from any thread; a
// buffer keeps its cache alive. Under AddressSanitizer nothing is kept or rounded up, so that it
// sees every free and every byte beyond the end.
#pragma once

#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "tensor/backend.h"

namespace gradus::cpu {

// "4G", "512M" or "1000000" in bytes; K, M, G and T are powers of 1024, a B or iB may follow. Throws
// BackendError for anything else.
std::size_t parse_bytes(std::string_view text);

class Cache : public std::enable_shared_from_this<Cache> {
 public:
  // Keeps at most `most_kept` bytes of freed blocks; and, beyond 256 MiB, at most twice as much as ever was
  // in use at once.
  explicit Cache(std::size_t most_kept);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Aligned to 64 bytes, contents undefined. Throws BackendError when the memory cannot be had, at
  // once if it is more than the machine has or than limit() allows.
  std::shared_ptr<Buffer> allocate(std::size_t bytes);
  // Gives every kept block back to the system.
  void trim();
  // From now on at most `bytes` in use; and of kept blocks no more than there is room for beside.
  void limit(std::size_t bytes);
  MemoryStats stats() const;
  void reset_peak();

 private:
  class Block;
  std::byte* take(std::size_t size);
  std::byte* take_kept(std::size_t size);
  bool keep(std::byte* data, std::size_t size) noexcept;
  void free_kept();

  const std::size_t most_kept_;
  mutable std::mutex mutex_;  // guards what follows
  std::size_t limit_ = std::numeric_limits<std::size_t>::max();
  MemoryStats stats_;
  std::size_t most_used_ = 0;                            // peak of all time
  std::map<std::size_t, std::vector<std::byte*>> free_;  // by rounded size
};

// `count` elements for the length of a scope: the work space of a kernel.
template <class T>
class Scratch {
 public:
  Scratch(Cache& cache, std::int64_t count)
      : buffer_(cache.allocate(static_cast<std::size_t>(count) * sizeof(T))) {}
  T* data() { return reinterpret_cast<T*>(buffer_->host()); }
  const std::shared_ptr<Buffer>& buffer() { return buffer_; }

 private:
  std::shared_ptr<Buffer> buffer_;
};

}  // namespace gradus::cpu
