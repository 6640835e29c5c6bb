// Products of f32 matrices on AMX, the unit for tiles of Intel's CPUs since Sapphire Rapids, as
// precise as those of the vector unit and up to twice as fast.
//
// A tile register holds [16, 32] numbers of type bf16, and one instruction adds a product of two of
// them to a third, c [16, 16] += a [16, 32] b [32, 16]: sixteen times the work that vectors do in
// the same time. A bf16 has only 8 of the 24 bits of an f32, so every number is cut into three,
//
//   x = x1 + x2 + x3,   x1 = bf16(x),  x2 = bf16(x - x1),  x3 = x - x1 - x2,
//
// which loses nothing, and six of the nine products are computed, exactly, and summed up in f32:
//
//   a b = a1 b1 + a1 b2 + a2 b1 + a1 b3 + a2 b2 + a3 b1 + (a2 b3 + a3 b2 + a3 b3).
//
// Those in brackets are at most 2^-23 |a b|, as much as a product of f32 is rounded by. The method is
// that of Henry, Tang and Heinecke, "Leveraging the bfloat16 artificial intelligence datatype for
// higher-precision computations" (ARITH 2019). AMX takes what is below 2^-126 for zero, pieces and
// sums alike; blocks of c with numbers whose pieces would be infinite or NaN are left to the
// vectors.
#pragma once

#include <cstdint>

#include "backends/cpu/gemm.h"

namespace gradus::cpu {

// Whether this machine has AMX, its system lets us use it, and `use_amx(false)` was not called.
bool amx_in_use();
void use_amx(bool use);

// As `gemm`, where amx_in_use().
void gemm_amx(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
              Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending);

// The same of numbers rounded to bf16, which are pieces already: a sixth of the products.
void gemm_amx_bf16(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                   Matrix<float> b, bool add, float* c, std::int64_t distance,
                   const Ending& ending);

}  // namespace gradus::cpu
