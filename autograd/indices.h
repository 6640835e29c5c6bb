// For the .cpp files of autograd/ and nn/: index tensors read on the host.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// The values of i32 `indices`, each in [0, limit). Throws DTypeError or IndexError.
std::vector<std::int32_t> checked_indices(const char* op, const Tensor& indices,
                                          std::int64_t limit);

}  // namespace gradus
