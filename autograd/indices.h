// For the .cpp files of autograd/ and nn/: checks of index tensors, read on the host, and of axes.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

struct Axes;

// Throws DTypeError unless `indices` are i32, IndexError for one outside [0, limit).
void check_indices(const char* op, const Tensor& indices, std::int64_t limit);
// The axes of x as distinct numbers in [0, rank), ascending; all axes if none are named
// (reductions.cpp). Throws ShapeError for an axis named twice.
std::vector<int> checked_axes(const char* op, const Tensor& x, const Axes& axes);

}  // namespace gradus
