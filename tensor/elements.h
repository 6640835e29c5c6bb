// For the .cpp files: numbers on the host, whether they fit a tensor, and how they get there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace gradus {

// Whether x, rounded toward zero, is an i32.
constexpr bool fits_i32(double x) { return x > -0x1p31 - 1 && x < 0x1p31; }
// Throws DTypeError, naming the operation, unless it is.
void check_i32(const char* op, double x);

// Where the first of `values` outside [least, limit) is, values.size() if there is none; least is 0
// or -1.
std::size_t first_outside(std::span<const std::int32_t> values, std::int32_t least,
                          std::int64_t limit);

// Elements first .. first + count - 1 of x, which is dense.
inline View part_of(const Tensor& x, std::int64_t first, std::int64_t count) {
  View part = x.view();
  part.layout = Layout(Shape{count});
  part.layout.offset = x.layout().offset + first;
  return part;
}

// Fills x, dense and of T, from the host, a part at a time, which stays in the cache: f(first,
// values) gives the elements from `first` on.
template <class T, class F>
void write_parts(const Tensor& x, F f) {
  const std::int64_t total = x.numel(), most = std::min<std::int64_t>(total, 1 << 16);
  const auto values = std::make_unique<T[]>(static_cast<std::size_t>(most));
  for (std::int64_t first = 0; first < total; first += most) {
    const std::int64_t count = std::min(most, total - first);
    f(first, std::span<T>(values.get(), static_cast<std::size_t>(count)));
    x.backend().upload(values.get(), part_of(x, first, count));
  }
}

}  // namespace gradus
