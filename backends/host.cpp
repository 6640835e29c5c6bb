#include "backends/host.h"

#include <fmt/format.h>

#include <new>

#include "tensor/error.h"

namespace gradus {

namespace {
constexpr std::align_val_t kAlignment{64};
}

HostBuffer::HostBuffer(std::size_t bytes)
    : data_(static_cast<std::byte*>(::operator new(bytes, kAlignment, std::nothrow))),
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
