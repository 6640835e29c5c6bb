// Matrix products of OpenBLAS: row-major, typed, and on one thread each (the callers cut products
// into tiles and run those in parallel).
//
//   tune_blas();                                                    // once, before the first
//   product gemm(kPlain, kPlain, m, n, k, 1.f, a, k, b, n, 0.f, c, n);      // c [m, n] = a [m, k]
//   * b [k, n]
#pragma once

#include <cstdint>
#include <string>

namespace gradus::cpu {

// Sets OpenBLAS to one thread and, where it does not know the CPU and fell back to kernels of 2004,
// to the best kernels that the CPU can run.
void tune_blas();
// Version and kernels in use.
std::string blas_description();

enum class Storage { plain, transposed };  // transposed: the matrix in memory is [columns, rows]
inline constexpr Storage kPlain = Storage::plain;
inline constexpr Storage kTransposed = Storage::transposed;

// The largest size or row distance that BLAS takes.
inline constexpr std::int64_t kBlasLimit = INT32_MAX;

// c [m, n] = alpha * a [m, k] * b [k, n] + beta * c. Rows of the stored matrices are lda, ldb, ldc
// elements apart. beta = 0 does not read c. All of m, n, k are at least 1.
void gemm(Storage a_storage, Storage b_storage, std::int64_t m, std::int64_t n, std::int64_t k,
          float alpha, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float beta, float* c, std::int64_t ldc);
void gemm(Storage a_storage, Storage b_storage, std::int64_t m, std::int64_t n, std::int64_t k,
          double alpha, const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
          double beta, double* c, std::int64_t ldc);

}  // namespace gradus::cpu
