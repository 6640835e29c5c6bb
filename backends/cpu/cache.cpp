#include "backends/cpu/cache.h"

#include <fmt/format.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <new>

#include "backends/host.h"
#include "tensor/error.h"

namespace gradus::cpu {

namespace {

constexpr bool kKeep =
#if defined(__SANITIZE_ADDRESS__)
    false;
#elif defined(__has_feature)
    !__has_feature(address_sanitizer);  // clang
#else
    true;
#endif

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kAlwaysKept = std::size_t{256} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// The next of 64, 128, ..., 512, 576, ...: multiples of an eighth of the power of two below.
std::size_t size_class(std::size_t bytes) {
  if (!kKeep) return std::max<std::size_t>(bytes, 1);
  if (bytes <= kAlignment) return kAlignment;
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes - 1) / 8);
  return (bytes + step - 1) / step * step;
}

double mebibytes(std::size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

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

std::size_t parse_bytes(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  std::size_t bytes = 0;
  auto [rest, error] = std::from_chars(text.begin(), text.end(), bytes);
  bool good = error == std::errc();
  if (good && rest != text.end()) {
    const std::size_t unit = kUnits.find(static_cast<char>(std::toupper(*rest++)));
    const std::string_view end(rest, text.end());
    const std::size_t shift = 10 * (unit + 1);
    good = unit != kUnits.npos && (end.empty() || end == "B" || end == "iB") &&
           bytes <= std::numeric_limits<std::size_t>::max() >> shift;
    if (good) bytes <<= shift;
  }
  if (!good) {
    throw BackendError(fmt::format(
        "[memory limit] '{}' is not an amount of memory: bytes, or a number with K, M, G or T, "
        "such as 512M",
        text));
  }
  return bytes;
}

class Cache::Block : public Buffer {
 public:
  Block(std::shared_ptr<Cache> cache, std::size_t bytes)
      : cache_(std::move(cache)), bytes_(bytes), data_(cache_->take(size_class(bytes))) {}
  ~Block() override {
    const std::size_t size = size_class(bytes_);
    if (!cache_->keep(data_, size)) to_system(data_, size);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::byte* host() override { return data_; }
  std::size_t bytes() const override { return bytes_; }

 private:
  std::shared_ptr<Cache> cache_;
  std::size_t bytes_;
  std::byte* data_;
};

Cache::Cache(std::size_t most_kept) : most_kept_(kKeep ? most_kept : 0) {}

Cache::~Cache() { free_kept(); }

std::shared_ptr<Buffer> Cache::allocate(std::size_t bytes) {
  check_memory(bytes);
  return std::make_shared<Block>(shared_from_this(), bytes);
}

std::byte* Cache::take(std::size_t size) {
  std::lock_guard lock(mutex_);
  ++stats_.requests;
  if (size > limit_ - std::min(limit_, stats_.in_use)) {
    throw BackendError(
        fmt::format("[allocate] {:.1f} MiB more do not fit: {:.1f} MiB are in use and the limit is "
                    "{:.1f} MiB; a smaller batch needs less, or raise the limit "
                    "(GRADUS_MEMORY_LIMIT, limit_memory())",
                    mebibytes(size), mebibytes(stats_.in_use), mebibytes(limit_)));
  }
  std::byte* data = take_kept(size);
  if (data == nullptr) {
    ++stats_.fresh;
    if (size + stats_.cached > limit_ - stats_.in_use) free_kept();
    data = from_system(size);
  }
  if (data == nullptr) {
    free_kept();
    data = from_system(size);
  }
  if (data == nullptr) throw BackendError(fmt::format("[allocate] no memory for {} bytes", size));
  stats_.in_use += size;
  stats_.peak = std::max(stats_.peak, stats_.in_use);
  most_used_ = std::max(most_used_, stats_.in_use);
  return data;
}

// Null where none of this size is kept.
std::byte* Cache::take_kept(std::size_t size) {
  const auto found = free_.find(size);
  if (found == free_.end() || found->second.empty()) return nullptr;
  std::byte* data = found->second.back();
  found->second.pop_back();
  stats_.cached -= size;
  return data;
}

// Whether a block that is no longer in use is kept.
bool Cache::keep(std::byte* data, std::size_t size) noexcept {
  std::lock_guard lock(mutex_);
  stats_.in_use -= size;
  const std::size_t most = std::min(most_kept_, std::max(kAlwaysKept, 2 * most_used_));
  if (size > most) return false;
  if (stats_.cached + size > most) free_kept();  // the kept sizes are not the ones in use
  try {
    free_[size].push_back(data);
  } catch (const std::bad_alloc&) {  // no room to remember the block: let it go
    return false;
  }
  stats_.cached += size;
  return true;
}

void Cache::free_kept() {
  for (auto& [size, blocks] : free_) {
    for (std::byte* data : blocks) to_system(data, size);
  }
  free_.clear();
  stats_.cached = 0;
}

void Cache::trim() {
  std::lock_guard lock(mutex_);
  free_kept();
}

void Cache::limit(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  limit_ = bytes;
  if (stats_.in_use + stats_.cached > limit_) free_kept();
}

MemoryStats Cache::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

void Cache::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak = stats_.in_use;
}

}  // namespace gradus::cpu
