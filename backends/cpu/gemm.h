// Matrix products on one thread (the callers cut products into tiles and run those in parallel):
//
//   const Matrix<float> x{x_data, k, 1}, w{w_data, 1, k};      // x [m, k], and w [k, n] stored transposed
//   gemm(m, n, k, 1.f, x, w, false, y, n);                     // y [m, n] = x w
//
// The method is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
// (2008): pieces of a and b are copied to panels that the innermost loop reads from end to end, sized
// so that those of b stay in the second-level cache and those of a in the first; the innermost loop
// keeps a block of c in registers. The copies make any strides do. Where few columns of b
// would use the copy of a, and its rows or columns are dense, a is read where it lies.
#pragma once

#include <cstdint>
#include <functional>

#include "tensor/dtype.h"
#include "tensor/precision.h"

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

// What is done with a product, part by part, where a part is complete and still in a cache.
struct Finish {
  // A part's first element, where it lies in the product, its size, the distance between its rows, and
  // the column of the product at which it begins.
  std::function<void(void* part, std::int64_t rows, std::int64_t columns, std::int64_t distance,
                     std::int64_t first_column)>
      function;
  // Whether the function is c = max(c + bias, floor), which a block can do while it is in registers. No
  // bias is a null one; else it has an element for each column of the product.
  bool in_registers = false;
  const void* bias = nullptr;
  double floor = -kInfinity;

  explicit operator bool() const { return function != nullptr; }
};

// What becomes of c, a part of the product that begins at a column of it: it may be finished.
struct Ending {
  const Finish* finish = nullptr;
  std::int64_t first_column = 0;

  Ending from(std::int64_t column) const { return {finish, first_column + column}; }
  void operator()(void* c, std::int64_t rows, std::int64_t columns, std::int64_t distance) const {
    if (finish != nullptr) finish->function(c, rows, columns, distance, first_column);
  }
};

// c [m, n] = alpha * a [m, k] * b [k, n], or that added to c; the rows of c are `distance` elements
// apart. An element's sum is added up in the same order whatever m and n are. Products of f64 are always
// as precise as f64 is.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
          Matrix<float> b, bool add, float* c, std::int64_t distance, const Ending& ending = {},
          MatmulPrecision precision = matmul_precision());
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, double alpha, Matrix<double> a,
          Matrix<double> b, bool add, double* c, std::int64_t distance, const Ending& ending = {},
          MatmulPrecision precision = MatmulPrecision::f32);

// c = a b for a of a few rows, each dense, and b of dense columns (few_rows.cpp).
void few_rows(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<float> a, Matrix<float> b,
              float* c, std::int64_t distance);
void few_rows(std::int64_t m, std::int64_t n, std::int64_t k, Matrix<double> a, Matrix<double> b,
              double* c, std::int64_t distance);

// As gemm by the vector unit alone, also where there is a faster one (backends/cpu/amx.h).
void gemm_vectors(std::int64_t m, std::int64_t n, std::int64_t k, float alpha, Matrix<float> a,
                  Matrix<float> b, bool add, float* c, std::int64_t distance,
                  const Ending& ending = {});

}  // namespace gradus::cpu
