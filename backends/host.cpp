#include "backends/host.h"

#include <fmt/format.h>
#include <unistd.h>

#include <limits>
#include <new>

#include "tensor/error.h"

namespace gradus {

namespace {
constexpr std::align_val_t kAlignment{64};
}  // namespace

std::size_t machine_memory() {
  static const std::size_t bytes = [] {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                                 : std::numeric_limits<std::size_t>::max() / 2;  // unknown
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

void check_rows(const View& rows, std::int64_t limit, const char* op) {
  const auto* row = data_of<std::int32_t>(rows);
  for (std::int64_t i = 0, n = rows.shape().numel(); i < n; ++i) {
    const std::int32_t r = row[position(rows.layout, i)];
    if (r < kNoRow || r >= limit) {
      throw IndexError(
          fmt::format("[{}] row {} (number {} of rows {}) is outside a table of {} rows", op, r, i,
                      to_string(rows.shape()), limit));
    }
  }
}

}  // namespace gradus
