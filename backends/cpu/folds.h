// A reduction over one axis of a dense block, compiled for each kind of CPU (folds.cpp). The driver
// (reduce.cpp) brings every reduction down to these.
#pragma once

#include <cstdint>

#include "tensor/backend.h"

namespace gradus::cpu {

// The widest block that a fold of columns takes.
inline constexpr std::int64_t kFoldColumns = 512;

struct Folds {
  // x [rows, n] -> out [rows]: each row's sum, max or min.
  void (*rows)(const void* x, std::int64_t rows, std::int64_t n, double* out);
  // x [n, columns], its rows `stride` elements apart -> out [columns]: each column's.
  void (*columns)(const void* x, std::int64_t n, std::int64_t columns, std::int64_t stride,
                  double* out);
};
// For sum, max and min.
Folds folds_of(ReduceOp op, DType dtype);

struct ArgFolds {
  void (*rows)(const void* x, std::int64_t rows, std::int64_t n, std::int32_t* out);
  void (*columns)(const void* x, std::int64_t n, std::int64_t columns, std::int64_t stride,
                  std::int32_t* out);
};
// The first index of the largest, or of the first NaN.
ArgFolds arg_folds_of(DType dtype);

}  // namespace gradus::cpu
