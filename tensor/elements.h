// For the .cpp files: does a number fit the i32 elements of a tensor?
#pragma once

#include "tensor/dtype.h"

namespace gradus {

// Whether x, rounded toward zero, is an i32.
constexpr bool fits_i32(double x) { return x > -0x1p31 - 1 && x < 0x1p31; }
// Throws DTypeError, naming the operation, unless it is.
void check_i32(const char* op, double x);

}  // namespace gradus
