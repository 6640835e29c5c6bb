// The operands of matrix products as BLAS reads them: a storage order and a row distance. Views that
// BLAS cannot read in place are copied.
#pragma once

#include <cstdint>
#include <memory>

#include "backends/cpu/blas.h"
#include "backends/cpu/cache.h"
#include "backends/host.h"
#include "tensor/backend.h"

namespace gradus::cpu {

// A stack of matrices: the last two axes of a view.
struct Operand {
  View view;
  std::shared_ptr<Buffer> keeper;  // the copy, where one was made
  Storage storage = kPlain;
  std::int64_t row_distance = 0;  // between rows of the stored matrix

  Layout stack;  // the axes before the matrices

  template <class T>
  const T* matrix(std::int64_t item) const {
    return data_of<T>(view) + position(stack, item);
  }
  // The address of element (row, column) of the matrix that starts at `matrix`.
  template <class T>
  const T* at(const T* matrix, std::int64_t row, std::int64_t column) const {
    return storage == kPlain ? matrix + row * row_distance + column
                             : matrix + column * row_distance + row;
  }
};

Operand operand_of(Cache& cache, const View& view);
// The same matrices transposed: no data moves.
View transposed(View view);
// Without the last `count` axes.
Layout leading(const Layout& layout, int count);

}  // namespace gradus::cpu
