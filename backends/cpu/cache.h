// A caching allocator. The system hands out fresh memory page by page, zeroing each, which costs
// more than most kernels that fill it; a training step asks for the same sizes again and again. So
// a freed block is kept, and the next request of its size class gets it at once.
//
//   auto cache = std::make_shared<Cache>(1 << 30);
//   std::shared_ptr<Buffer> x = cache->allocate(4096);   // goes back to the cache when x dies
//
// Sizes are rounded up to 8 classes an octave (at most 12.5 % is wasted). Safe from any thread; a
// buffer keeps its cache alive. Under AddressSanitizer nothing is kept, so that it sees every free.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor/backend.h"

namespace gradus::cpu {

class Cache : public std::enable_shared_from_this<Cache> {
 public:
  // Keeps at most `limit` bytes of freed blocks.
  explicit Cache(std::size_t limit);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // Aligned to 64 bytes, contents undefined. Throws BackendError when the memory cannot be had, at
  // once if it is more than the machine has.
  std::shared_ptr<Buffer> allocate(std::size_t bytes);
  // Gives every kept block back to the system.
  void trim();
  std::size_t kept() const;

 private:
  class Block;
  std::byte* take(std::size_t size);
  void give_back(std::byte* data, std::size_t size) noexcept;

  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::size_t kept_ = 0;
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
