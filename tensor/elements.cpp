// Conversions for C++ types that tensors store differently: std::int64_t as i32, and
// std::vector<bool>, which has no memory to copy from.

#include "tensor/elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/tensor.h"

namespace gradus {

void check_i32(const char* op, double x) {
  if (!fits_i32(x)) {
    throw DTypeError(
        fmt::format("[{}] {} does not fit i32, the type of whole numbers; use f64", op, x));
  }
}

std::size_t first_outside(std::span<const std::int32_t> values, std::int32_t least,
                          std::int64_t limit) {
  constexpr std::int64_t kBlock = 1024, kAtOnce = 64 * kBlock;
  const auto start = static_cast<std::uint32_t>(least);
  const auto last = static_cast<std::uint32_t>(limit - 1 - least);
  // Counted from `least`, a number below it or above the last, less the number, has the top bit.
  const auto all_inside = [=](std::span<const std::int32_t> block) {
    std::uint32_t bits = 0;
    for (const std::int32_t value : block) {
      const std::uint32_t place = static_cast<std::uint32_t>(value) - start;
      bits |= place | (last - place);
    }
    return bits >> 31 == 0;
  };
  const std::int64_t count = std::ssize(values);
  std::atomic<std::int64_t> first = count;
  parallel_for(count, kAtOnce, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; i += kBlock) {
      const auto at = static_cast<std::size_t>(i);
      const auto block = values.subspan(at, static_cast<std::size_t>(std::min(kBlock, end - i)));
      if (all_inside(block)) continue;
      const auto outside = [=](std::int32_t v) { return v < least || v >= limit; };
      const std::int64_t found = i + (std::ranges::find_if(block, outside) - block.begin());
      std::int64_t before = first;
      while (found < before && !first.compare_exchange_weak(before, found)) {
      }
      return;
    }
  });
  return static_cast<std::size_t>(first.load());
}

template <>
std::vector<bool> Tensor::to_vector() const {
  const Tensor truth = to(*this, {.dtype = DType::boolean});
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(numel()));
  truth.backend().download(truth.view(), bytes.data());
  return {bytes.begin(), bytes.end()};
}

namespace {
// The elements as whole numbers, rounded toward zero.
template <class T>
std::vector<T> whole(const Tensor& x, const char* type) {
  const std::vector<double> values = x.to_vector<double>();
  const double end = std::ldexp(1, std::numeric_limits<T>::digits);  // 1 more than the largest T
  for (double value : values) {
    if (!(std::trunc(value) >= -end && value < end)) {
      throw DTypeError(fmt::format("[to_vector] {} does not fit {}", value, type));
    }
  }
  return {values.begin(), values.end()};
}
}  // namespace

template <>
std::vector<std::int32_t> Tensor::to_vector() const {
  if (is_floating(dtype_)) return whole<std::int32_t>(*this, "std::int32_t");
  const Tensor dense = to(*this, {.dtype = DType::i32});
  std::vector<std::int32_t> values(static_cast<std::size_t>(numel()));
  dense.backend().download(dense.view(), values.data());
  return values;
}

template <>
std::vector<std::int64_t> Tensor::to_vector() const {
  return whole<std::int64_t>(*this, "std::int64_t");
}

template <>
Tensor from_span(std::span<const std::int64_t> values, const Shape& shape, Backend* backend) {
  for (std::int64_t value : values) check_i32("from_span", static_cast<double>(value));
  return from_vector(std::vector<std::int32_t>(values.begin(), values.end()), shape, backend);
}

template <>
Tensor from_vector(const std::vector<bool>& values, const Shape& shape, Backend* backend) {
  const auto truth = std::make_unique<bool[]>(values.size());
  std::copy(values.begin(), values.end(), truth.get());
  return from_span(std::span<const bool>(truth.get(), values.size()), shape, backend);
}

}  // namespace gradus
