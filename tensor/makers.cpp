// Tensors of evenly spaced numbers, and tensors like others.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>

#include "tensor/elements.h"
#include "tensor/error.h"
#include "tensor/tensor.h"

namespace gradus {

Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.options()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.options()); }

namespace {
// f(0), ..., f(count - 1), computed in f64.
template <class F>
Tensor numbers(const char* op, std::int64_t count, TensorOptions options, F f) {
  const DType dtype = options.dtype.value_or(DType::f32);
  const Tensor out = empty({count}, {dtype, options.backend});  // refuses what memory cannot hold
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    write_parts<T>(out, [&](std::int64_t first, std::span<T> values) {
      const auto start = static_cast<double>(first);
      for (std::int32_t i = 0; i < std::ssize(values); ++i) {
        const double value = f(start + i);
        if constexpr (std::is_same_v<T, std::int32_t>) check_i32(op, value);
        values[static_cast<std::size_t>(i)] = static_cast<T>(value);
      }
    });
  });
  return out;
}
}  // namespace

Tensor arange(double begin, double end, double step, TensorOptions options) {
  const double count = std::ceil((end - begin) / step);
  if (!(std::isfinite(begin) && step != 0 && count >= 0 && count < 0x1p62)) {
    throw ShapeError(
        fmt::format("[arange] steps of {} do not lead from {} to {}", step, begin, end));
  }
  return numbers("arange", static_cast<std::int64_t>(count), options,
                 [=](double i) { return begin + i * step; });
}

Tensor linspace(double begin, double end, std::int64_t count, TensorOptions options) {
  if (!(count >= 1 && std::isfinite(end - begin))) {
    throw ShapeError(
        fmt::format("[linspace] cannot make {} numbers from {} to {}: at least 1, between "
                    "finite ends",
                    count, begin, end));
  }
  const double last = static_cast<double>(count - 1);
  return numbers("linspace", count, options, [=](double i) {
    return i == last && i > 0 ? end : begin + (end - begin) * (i / std::max(last, 1.0));
  });
}

}  // namespace gradus
