#include "backends/host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <new>

#include "tensor/elements.h"
#include "tensor/error.h"

namespace gradus {

namespace {
constexpr std::align_val_t kAlignment{64};
}  // namespace

// What a container may use, where it is limited (control groups, version 2 and 1; "max" is no number).
static std::size_t container_memory() {
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::size_t bytes = 0;
    if (std::ifstream(path) >> bytes && bytes > 0) least = std::min(least, bytes);
  }
  return least;
}

std::size_t machine_memory() {
  static const std::size_t bytes = [] {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long size = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || size <= 0) return std::numeric_limits<std::size_t>::max() / 2;  // unknown
    const std::size_t all = static_cast<std::size_t>(pages) * static_cast<std::size_t>(size);
    return std::min(all, container_memory());
  }();
  return bytes;
}

std::size_t check_memory(std::size_t bytes) {
  if (bytes > machine_memory()) {
    throw BackendError(fmt::format("[allocate] no memory for {} bytes: this machine has {}", bytes,
                                   machine_memory()));
  }
  return bytes;
}

HostBuffer::HostBuffer(std::size_t bytes)
    : data_(static_cast<std::byte*>(::operator new(check_memory(bytes), kAlignment, std::nothrow))),
      bytes_(bytes) {
  if (data_ == nullptr) {
    throw BackendError(fmt::format("[allocate] no memory for {} bytes", bytes));
  }
}

HostBuffer::~HostBuffer() { ::operator delete(data_, kAlignment); }

void check_rows(const View& rows, std::int64_t limit, const char* op, std::int32_t least) {
  const auto* row = data_of<std::int32_t>(rows);
  const bool dense = rows.layout.is_contiguous();
  const std::int64_t n = rows.shape().numel();
  std::int64_t i = 0;
  if (dense) {  // the usual case, without a branch for each
    i = static_cast<std::int64_t>(first_outside({row, static_cast<std::size_t>(n)}, least, limit));
  }
  for (; i < n; ++i) {
    const std::int32_t r = row[dense ? i : position(rows.layout, i)];
    if (r < least || r >= limit) {
      throw IndexError(
          fmt::format("[{}] row {} (number {} of rows {}) is outside a table of {} rows", op, r, i,
                      to_string(rows.shape()), limit));
    }
  }
}

}  // namespace gradus
