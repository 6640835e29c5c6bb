// A shape: the sizes of a tensor along each of its axes, outermost first. Rank 0 is a scalar.
//
//   Shape s{2, 3};   s.rank() == 2   s[-1] == 3   s.numel() == 6   to_string(s) == "[2, 3]"
//
// At most kMaxRank sizes, stored inside the object: a shape never allocates.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>

namespace gradus {

inline constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes);
  // Both constructors throw ShapeError for more than kMaxRank axes, a negative size, or sizes whose
  // product (zeros counted as ones) does not fit 64 bits.
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  // The size of an axis; negative axes count from the end. Throws IndexError outside [-rank, rank).
  std::int64_t operator[](int axis) const {
    return sizes_[static_cast<std::size_t>(axis_at(axis))];
  }
  // `axis` as a number in [0, rank). Throws as operator[] does.
  int axis_at(int axis) const;
  // The number of elements: the product of the sizes, 1 for a scalar.
  std::int64_t numel() const;

  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }
  std::span<const std::int64_t> sizes() const { return {begin(), end()}; }

  // Copies with one axis changed, inserted or removed.
  Shape with(int axis, std::int64_t size) const;
  Shape inserted(int axis, std::int64_t size) const;  // axis in [-rank - 1, rank]
  Shape without(int axis) const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

// Two sizes, along the height and the width of an image. One number stands for both.
struct Size2d {
  Size2d(std::int64_t both) : height(both), width(both) {}  // NOLINT: conversions are the point
  Size2d(std::int64_t h, std::int64_t w) : height(h), width(w) {}
  std::int64_t height, width;
};

// The shape that a and b broadcast to, by NumPy's rule: aligned at the last axis, sizes must be
// equal or one of them 1. Throws ShapeError otherwise, naming `op`.
Shape broadcast(const Shape& a, const Shape& b, const char* op);

std::string to_string(const Shape& shape);
std::ostream& operator<<(std::ostream& out, const Shape& shape);

}  // namespace gradus
