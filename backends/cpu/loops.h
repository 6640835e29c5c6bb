// One elementwise operation over dense arrays, compiled for each kind of CPU (loops.cpp). The
// drivers (elementwise.cpp) bring every layout down to these.
#pragma once

#include <cstdint>

#include "tensor/backend.h"

namespace gradus::cpu {

// Arrays of n elements; out does not overlap the inputs.
using UnaryLoop = void (*)(const void* x, void* out, std::int64_t n);
using BinaryLoop = void (*)(const void* a, const void* b, void* out, std::int64_t n);
using SelectLoop = void (*)(const bool* cond, const void* a, const void* b, void* out,
                            std::int64_t n);

// The loop for this operation and type of input on this CPU. Throws DTypeError where there is none.
UnaryLoop unary_loop(UnaryOp op, DType dtype);
BinaryLoop binary_loop(BinaryOp op, DType dtype);
SelectLoop select_loop(DType dtype);

// "AVX3", "AVX2", ...: the instructions in use.
const char* simd_target();

}  // namespace gradus::cpu
