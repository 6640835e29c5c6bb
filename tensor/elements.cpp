// Numbers of C++ types that tensors hold as another: std::int64_t is i32 there, and a std::vector<bool>
// has no memory to copy from.

#include "tensor/elements.h"

#include <fmt/format.h>

#include "tensor/error.h"
#include "tensor/tensor.h"

namespace gradus {

void check_i32(const char* op, double x) {
  if (!fits_i32(x)) {
    throw DTypeError(
        fmt::format("[{}] {} does not fit i32, the type of whole numbers; use f64", op, x));
  }
}

template <>
std::vector<bool> Tensor::to_vector() const {
  const Tensor truth = to(*this, {.dtype = DType::boolean});
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(numel()));
  truth.backend().download(truth.view(), bytes.data());
  return {bytes.begin(), bytes.end()};
}

template <>
std::vector<std::int64_t> Tensor::to_vector() const {
  const std::vector<double> values = to_vector<double>();
  for (double value : values) {
    if (!(value >= -0x1p63 && value < 0x1p63)) {
      throw DTypeError(fmt::format("[to_vector] {} does not fit std::int64_t", value));
    }
  }
  return {values.begin(), values.end()};
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
