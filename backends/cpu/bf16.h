// Products of f32 matrices whose numbers are rounded to bf16, for those who allow it
// (set_product_precision in tensor/precision.h): twice as fast on AVX-512's vectors, and more on AMX.
// A bf16 keeps 8 of the 24 binary digits of an f32, so a product of two is off by up to 2^-7 of itself;
// sums are still added up in f32.
#pragma once

#include <cstdint>

#include "backends/cpu/gemm.h"

namespace gradus::cpu {

// Whether this machine has instructions that multiply bf16, and they are in use: AMX's tiles (amx.h), or
// AVX-512's vectors, if `use_bf16_vectors(false)` was not called.
bool has_bf16();
void use_bf16_vectors(bool use);

// Whether `gemm` multiplies f32 as tiles of bf16, in pieces or rounded: other kernels are slower.
bool multiplies_tiles(MatmulPrecision precision = matmul_precision());

// As `gemm`, where has_bf16().
void gemm_bf16(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
               Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending);

}  // namespace gradus::cpu
