// Checks that the layers share. For the .cpp files of nn/.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>

#include "tensor/error.h"
#include "tensor/shape.h"

namespace gradus::nn {

// Throws ShapeError unless all sizes of a layer are at least 1.
inline void check_sizes(const char* layer, std::initializer_list<std::int64_t> sizes) {
  for (std::int64_t size : sizes) {
    if (size < 1) {
      throw ShapeError(
          fmt::format("[{}] sizes must be at least 1, got [{}]", layer, fmt::join(sizes, ", ")));
    }
  }
}

// Throws ShapeError for negative padding.
inline void check_padding(const char* layer, const Size2d& padding) {
  if (padding.height < 0 || padding.width < 0) {
    throw ShapeError(fmt::format("[{}] the padding {} must be at least 0", layer,
                                 padding.height == padding.width
                                     ? fmt::format("{}", padding.height)
                                     : fmt::format("{} x {}", padding.height, padding.width)));
  }
}

// Throws Error, naming the layer and the option, unless low <= value < high.
inline void check_option(const char* layer, const char* option, double value, double low,
                         double high) {
  if (!(value >= low && value < high)) {
    throw Error(fmt::format("[{}] {} is {}; it must be at least {} and below {}", layer, option,
                            value, low, high));
  }
}

// parts * size, the rows of a weight made of several parts. Throws ShapeError if that does not fit
// 64 bits.
inline std::int64_t check_product(const char* layer, std::int64_t parts, std::int64_t size) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(parts, size, &product)) {
    throw ShapeError(
        fmt::format("[{}] {} parts of size {} do not fit 64 bits", layer, parts, size));
  }
  return product;
}

// The size of a head: dim / heads. Throws ShapeError unless heads divides dim.
inline std::int64_t split_over(const char* layer, std::int64_t dim, std::int64_t heads) {
  check_sizes(layer, {dim, heads});
  if (dim % heads != 0) {
    throw ShapeError(
        fmt::format("[{}] {} features cannot be split evenly over {} heads", layer, dim, heads));
  }
  return dim / heads;
}

}  // namespace gradus::nn
