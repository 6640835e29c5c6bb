// Bags of rows of a table: a text's n-grams, a user's films, a set of tags.
//
//   Bags bags({4, 7, 4}, {0, 2, 2, 3});     // three bags: rows 4 and 7, none, row 4
//   Tensor y = gather_sum(table, bags);     // table [n, dim] -> [3, dim], a sum for each bag
//
// This is the product of a sparse matrix of ones, [bags, n], with the table; the gradient is a
// product with its transpose. A Bags holds both matrices as lists. It is cheap to copy and may be
// made in any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "autograd/segments.h"
#include "tensor/tensor.h"

namespace gradus {

class Bags {
 public:
  // Bag b holds rows[offsets[b]] .. rows[offsets[b + 1] - 1]. Throws ShapeError unless offsets
  // begin with 0, never decrease and end with the number of rows, IndexError for a row below 0.
  Bags(std::vector<std::int32_t> rows, std::vector<std::int32_t> offsets,
       Backend& backend = default_backend());

  std::int64_t count() const { return in_bags.count(); }

  Tensor rows;       // i32 [entries]
  Segments in_bags;  // the entries of each bag
  Tensor distinct;   // i32: the different rows, in the order of first appearance
  Tensor bags;       // i32 [entries]: the bags that hold distinct[0], those with distinct[1], ...
  Segments in_rows;  // the entries of `bags` for each of `distinct`
};

// y[b] = the sum of the rows in bag b: table [n, ...] -> [bags, ...]; an empty bag gives zeros. The
// table's gradient is row-sparse, each row once. Throws IndexError for a row that the table lacks.
Tensor gather_sum(const Tensor& table, const Bags& bags);

}  // namespace gradus
