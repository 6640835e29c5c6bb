// One elementwise operation over dense arrays, compiled for each kind of CPU (loops.cpp). The
// drivers (elementwise.cpp) bring every layout down to these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/backend.h"

namespace gradus::cpu {

// Arrays of n elements; out does not overlap the inputs. With `past_caches` (kernels.h) out begins at a
// cache line, and a loop may write it so; what was written is then still on its way.
using UnaryLoop = void (*)(const void* x, void* out, std::int64_t n, bool past_caches);
using BinaryLoop = void (*)(const void* a, const void* b, void* out, std::int64_t n,
                            bool past_caches);
using SelectLoop = void (*)(const bool* cond, const void* a, const void* b, void* out,
                            std::int64_t n, bool past_caches);

// The loop for this operation and type of input on this CPU. Throws DTypeError where there is none.
UnaryLoop unary_loop(UnaryOp op, DType dtype);
BinaryLoop binary_loop(BinaryOp op, DType dtype);
UnaryLoop cast_loop(DType from, DType to);
SelectLoop select_loop(DType dtype);
// Of what the slope is known from (Backend::unary_gradient) and g. Null where there is none.
BinaryLoop unary_gradient_loop(UnaryOp op, DType dtype);

// to[r * to_step + c] = from[c * from_step + r], elements of 4 bytes of any type.
struct Transpose {
  const float* from;
  std::int64_t from_step;
  float* to;
  std::int64_t to_step;
  std::int64_t rows, columns;  // of `to`
  bool past_caches;  // every row of `to` begins at a cache line, and little of it is soon needed
};
void transpose(const Transpose& t);

// The instructions that this machine has and Gradus was compiled for, the one in use first: AMX (tiles
// for products, and AVX3), AVX3 (AVX-512), AVX2, ... (simd.cpp)
std::vector<std::string> simd_targets();
// From now on uses none better than this. Throws BackendError for one that is not of the list.
void limit_simd(std::string_view name);

}  // namespace gradus::cpu
