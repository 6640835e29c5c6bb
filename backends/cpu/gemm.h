// Matrix products on one thread (the callers cut products into tiles and run those in parallel):
//
//   const Matrix<float> x{x_data, k, 1}, w{w_data, 1, k};      // x [m, k], and w [k, n] stored transposed
//   gemm(m, n, k, 1.f, x, w, false, y, n);                     // y [m, n] = x w
//
// The method is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
// (2008): pieces of a and b are copied to panels that the innermost loop reads from end to end, sized
// so that those of b stay in the second-level cache and those of a in the first; the innermost loop
// keeps a block of c in registers. The copies make any strides do.
#pragma once

#include <cstdint>

namespace gradus::cpu {

// Element (i, j) is at data[i * row_step + j * column_step].
template <class T>
struct Matrix {
  const T* data;
  std::int64_t row_step, column_step;

  // The part that begins at (row, column).
  Matrix from(std::int64_t row, std::int64_t column) const {
    return {data + row * row_step + column * column_step, row_step, column_step};
  }
  Matrix transposed() const { return {data, column_step, row_step}; }
};

// c [m, n] = alpha * a [m, k] * b [k, n], or that added to c; the rows of c are `distance` elements
// apart. An element's sum is added up in the same order whatever m and n are.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
          Matrix<float> b, bool add, float* c, std::int64_t distance);
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, double alpha, Matrix<double> a,
          Matrix<double> b, bool add, double* c, std::int64_t distance);

// The same by the vector unit alone, also where there is a faster one (backends/cpu/amx.h).
void gemm_vectors(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                  Matrix<float> b, bool add, float* c, std::int64_t distance);

}  // namespace gradus::cpu
