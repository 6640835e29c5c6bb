// How precisely products of f32 matrices are computed: one setting for the program, as the number of
// threads is (tensor/parallel.h).
//
//   set_matmul_precision(MatmulPrecision::bf16);   // from now on, where the machine is faster at it
//
// bf16 is an f32 with 8 instead of 24 binary digits, and the same range. Processors that multiply it
// do so at least twice as fast. With MatmulPrecision::bf16, a backend may round the numbers of both
// matrices to it: each product of two numbers is then off by up to 2^-7 of itself, less than a part in 100; sums,
// results and everything that is not a product stay f32. Networks train about as well with it
// (Kalamkar et al., "A Study of BFLOAT16 for Deep Learning Training", 2019), but measure yours.
//
// It holds for matmul, linear, einsum, convolutions and attention, and their gradients. It has no effect
// on other dtypes, on squared_distance, which subtract what is nearly equal, and on machines without
// such instructions (`gradus info` says so). Results depend on the machine then, but still not on the
// number of threads.
#pragma once

namespace gradus {

enum class MatmulPrecision { f32, bf16 };

// f32 until set.
void set_matmul_precision(MatmulPrecision precision);
MatmulPrecision matmul_precision();

}  // namespace gradus
