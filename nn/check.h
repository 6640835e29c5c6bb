// Checks that the layers share. For the .cpp files of nn/.
#pragma once

#include <fmt/format.h>

#include <initializer_list>

#include "tensor/error.h"
#include "tensor/shape.h"

namespace gradus::nn {

// Throws ShapeError unless all sizes of a layer are at least 1.
inline void check_sizes(const char* layer, std::initializer_list<std::int64_t> sizes) {
  for (std::int64_t size : sizes) {
    if (size < 1) {
      throw ShapeError(
          fmt::format("[{}] sizes must be at least 1, got {}", layer, to_string(Shape(sizes))));
    }
  }
}

// `dim` split evenly over `heads`. Throws ShapeError where it cannot be.
inline std::int64_t split_over(const char* layer, std::int64_t dim, std::int64_t heads) {
  check_sizes(layer, {dim, heads});
  if (dim % heads != 0) {
    throw ShapeError(
        fmt::format("[{}] {} features cannot be split evenly over {} heads", layer, dim, heads));
  }
  return dim / heads;
}

}  // namespace gradus::nn
