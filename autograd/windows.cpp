#include "autograd/windows.h"

#include <fmt/format.h>

#include "tensor/error.h"

namespace gradus {

std::int64_t count_windows(const char* op, std::int64_t extent, std::int64_t size,
                           std::int64_t stride, std::int64_t padding) {
  std::int64_t padded = 0;
  const bool fits = size >= 1 && stride >= 1 && padding >= 0 &&
                    !__builtin_mul_overflow(padding, std::int64_t{2}, &padded) &&
                    !__builtin_add_overflow(padded, extent, &padded) && size <= padded;
  if (!fits) {
    throw ShapeError(
        fmt::format("[{}] a window of {} every {} does not fit {} elements padded by {}", op, size,
                    stride, extent, padding));
  }
  return (padded - size) / stride + 1;
}

}  // namespace gradus
