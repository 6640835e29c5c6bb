#include "backends/cpu/cache.h"

#include <fmt/format.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "backends/host.h"
#include "tensor/error.h"

namespace gradus::cpu {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeep = false;
#else
constexpr bool kKeep = true;
#endif

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// The next of 64, 128, ..., 512, 576, ...: multiples of an eighth of the power of two below.
std::size_t size_class(std::size_t bytes) {
  if (bytes <= kAlignment) return kAlignment;
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

// Large blocks start at a huge page, so that the kernel may map them 2 MiB at a time.
std::byte* from_system(std::size_t size) {
  const bool large = size >= 2 * kHugePage;
  const std::size_t alignment = large ? kHugePage : kAlignment;
  void* data = ::operator new (size, std::align_val_t{alignment}, std::nothrow);
#if defined(__linux__)
  if (large && data != nullptr) madvise(data, size, MADV_HUGEPAGE);  // a wish: may fail
#endif
  return static_cast<std::byte*>(data);
}

void to_system(std::byte* data, std::size_t size) {
  const bool large = size >= 2 * kHugePage;
  ::operator delete (data, std::align_val_t{large ? kHugePage : kAlignment});
}

}  // namespace

class Cache::Block : public Buffer {
 public:
  Block(std::shared_ptr<Cache> cache, std::size_t bytes)
      : cache_(std::move(cache)), bytes_(bytes), data_(cache_->take(size_class(bytes))) {}
  ~Block() override { cache_->give_back(data_, size_class(bytes_)); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::byte* host() override { return data_; }
  std::size_t bytes() const override { return bytes_; }

 private:
  std::shared_ptr<Cache> cache_;
  std::size_t bytes_;
  std::byte* data_;
};

Cache::Cache(std::size_t limit) : limit_(kKeep ? limit : 0) {}

Cache::~Cache() { trim(); }

std::shared_ptr<Buffer> Cache::allocate(std::size_t bytes) {
  check_memory(bytes);
  return std::make_shared<Block>(shared_from_this(), bytes);
}

std::byte* Cache::take(std::size_t size) {
  {
    std::lock_guard lock(mutex_);
    const auto found = free_.find(size);
    if (found != free_.end() && !found->second.empty()) {
      std::byte* data = found->second.back();
      found->second.pop_back();
      kept_ -= size;
      return data;
    }
  }
  std::byte* data = from_system(size);
  if (data == nullptr) {
    trim();
    data = from_system(size);
  }
  if (data == nullptr) throw BackendError(fmt::format("[allocate] no memory for {} bytes", size));
  return data;
}

void Cache::give_back(std::byte* data, std::size_t size) noexcept {
  if (size <= limit_) {
    if (kept() + size > limit_) trim();  // the kept sizes are not the ones in use
    try {
      std::lock_guard lock(mutex_);
      free_[size].push_back(data);
      kept_ += size;
      return;
    } catch (const std::bad_alloc&) {  // no room to remember the block: let it go
    }
  }
  to_system(data, size);
}

void Cache::trim() {
  std::lock_guard lock(mutex_);
  for (auto& [size, blocks] : free_) {
    for (std::byte* data : blocks) to_system(data, size);
  }
  free_.clear();
  kept_ = 0;
}

std::size_t Cache::kept() const {
  std::lock_guard lock(mutex_);
  return kept_;
}

}  // namespace gradus::cpu
