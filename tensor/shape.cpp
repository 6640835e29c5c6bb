#include "tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tensor/error.h"

namespace gradus {

Shape::Shape(std::initializer_list<std::int64_t> sizes)
    : Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const std::int64_t> sizes) {
  if (sizes.size() > kMaxRank) {
    throw ShapeError(
        fmt::format("[shape] {} axes, at most {} are supported", sizes.size(), kMaxRank));
  }
  std::int64_t product = 1;
  for (std::int64_t size : sizes) {
    if (size < 0) {
      throw ShapeError(fmt::format("[shape] negative size in [{}]", fmt::join(sizes, ", ")));
    }
    if (__builtin_mul_overflow(product, std::max<std::int64_t>(size, 1), &product)) {
      throw ShapeError(fmt::format("[shape] the number of elements of [{}] does not fit 64 bits",
                                   fmt::join(sizes, ", ")));
    }
    sizes_[static_cast<std::size_t>(rank_++)] = size;
  }
}

int Shape::axis_at(int axis) const {
  int at = axis < 0 ? axis + rank_ : axis;
  if (at < 0 || at >= rank_) {
    throw IndexError(fmt::format("[shape] axis {} is outside {}, which has {} axes", axis,
                                 to_string(*this), rank_));
  }
  return at;
}

std::int64_t Shape::numel() const {
  std::int64_t product = 1;
  for (std::int64_t size : *this) product *= size;
  return product;
}

Shape Shape::with(int axis, std::int64_t size) const {
  std::array<std::int64_t, kMaxRank> sizes = sizes_;
  sizes[static_cast<std::size_t>(axis_at(axis))] = size;
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank_)));
}

Shape Shape::inserted(int axis, std::int64_t size) const {
  int at = axis < 0 ? axis + rank_ + 1 : axis;
  if (at < 0 || at > rank_) {
    throw IndexError(fmt::format("[shape] cannot insert axis {} into {}: it may be {} to {}", axis,
                                 to_string(*this), -rank_ - 1, rank_));
  }
  std::array<std::int64_t, kMaxRank + 1> sizes{};
  std::copy(begin(), begin() + at, sizes.begin());
  sizes[static_cast<std::size_t>(at)] = size;
  std::copy(begin() + at, end(), sizes.begin() + at + 1);
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank_ + 1)));
}

Shape Shape::without(int axis) const {
  int at = axis_at(axis);
  Shape result = *this;
  std::copy(begin() + at + 1, end(), result.sizes_.begin() + at);
  result.sizes_[static_cast<std::size_t>(--result.rank_)] = 0;
  return result;
}

bool operator==(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

Shape broadcast(const Shape& a, const Shape& b, const char* op) {
  int rank = std::max(a.rank(), b.rank());
  std::array<std::int64_t, kMaxRank> sizes{};
  for (int i = 1; i <= rank; ++i) {  // i axes from the end
    std::int64_t m = i <= a.rank() ? a[-i] : 1;
    std::int64_t n = i <= b.rank() ? b[-i] : 1;
    if (m != n && m != 1 && n != 1) {
      throw ShapeError(fmt::format(
          "[{}] shapes do not broadcast: a {}, b {}: aligned at the last axis, sizes must be equal "
          "or 1, but {} meets {}",
          op, to_string(a), to_string(b), m, n));
    }
    sizes[static_cast<std::size_t>(rank - i)] = m == 1 ? n : m;
  }
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank)));
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace gradus
