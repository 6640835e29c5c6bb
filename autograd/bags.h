// Bags of rows: what a text's n-grams, a user's films or a set of tags are to a table of vectors.
//
//   Bags bags({4, 7, 4}, {0, 2, 2, 3});     // three bags: rows 4 and 7, none, row 4
//   Tensor y = gather_sum(table, bags);     // table [n, dim] -> [3, dim], a sum for each bag
//
// That is the product of a sparse matrix of ones, [bags, n], and the table; its gradient is the product
// of the matrix turned on its side. A Bags has both lists, is cheap to copy and may be made on any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "autograd/segments.h"
#include "tensor/tensor.h"

namespace gradus {

class Bags {
 public:
  // Bag b holds rows[offsets[b]] .. rows[offsets[b + 1] - 1]. Throws ShapeError for offsets that do not
  // begin with 0, fall or do not end with the number of rows, IndexError for a row below 0.
  Bags(std::vector<std::int32_t> rows, std::vector<std::int32_t> offsets,
       Backend& backend = default_backend());

  std::int64_t count() const { return in_bags.count(); }

  Tensor rows;       // i32 [entries]
  Segments in_bags;  // the entries of each bag
  Tensor distinct;   // i32: the different rows, in the order in which they first appear
  Tensor bags;  // i32 [entries]: for each of `distinct`, one after another, the bags that hold it
  Segments in_rows;  // the entries of each of `distinct`, in `bags`
};

// y[b] = the sum of the rows of bag b: table [n, ...] -> [bags, ...]; an empty bag gives zeros. The
// gradient of the table is row-sparse, each row once. Throws IndexError for a row that is not there.
Tensor gather_sum(const Tensor& table, const Bags& bags);

}  // namespace gradus
