// For the .cpp files of autograd/ and nn/: index tensors, read on the host, and axes, checked.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

struct Axes;

// The values of i32 `indices`, each in [0, limit). Throws DTypeError or IndexError.
std::vector<std::int32_t> checked_indices(const char* op, const Tensor& indices,
                                          std::int64_t limit);
// The axes of x as distinct numbers in [0, rank), ascending; all of them for none (reductions.cpp).
// Throws ShapeError for one that is named twice.
std::vector<int> checked_axes(const char* op, const Tensor& x, const Axes& axes);

}  // namespace gradus
