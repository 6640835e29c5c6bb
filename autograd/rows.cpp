#include <fmt/format.h>

#include "autograd/compute.h"
#include "autograd/indices.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

// y[i] = table[rows[i]]; each dL/dy[i] is added to row rows[i]. Kept row-sparse unless it is to be
// differentiated again.
Tensor gather(const Tensor& table, const Tensor& rows) {
  return record("gather", compute::gather(table, rows),
                edge(table, [rows, shape = table.shape()](const Tensor& g) -> Gradient {
                  if (grad_enabled()) return scatter_add(g, rows, shape[0]);
                  const std::int64_t n = rows.numel();
                  return Gradient::row_sparse(reshape(rows, {n}), reshape(g, shape.with(0, n)),
                                              shape);
                }));
}

// table[rows[i]] += src[i]; dL/dsrc[i] is row rows[i] of dL/dtable.
Tensor scatter_add(const Tensor& src, const Tensor& rows, std::int64_t size) {
  return record("scatter_add", compute::scatter_add(src, rows, size),
                edge(src, [rows](const Tensor& g) { return gather(g, rows); }));
}

// The last assignment to a row stands: dL/dtable is g but for the rows assigned to, and dL/dsrc[i] is
// row rows[i] of g where i was the last to name it.
Tensor index_put(const Tensor& table, const Tensor& rows, const Tensor& src) {
  const Tensor y = compute::index_put(table, rows, src);
  return record("index_put", y,
                edge(table,
                     [rows, shape = src.shape()](const Tensor& g) {
                       return index_put(g, rows, expand(Operand(0).beside(g), shape));
                     }),
                edge(src, [rows, size = table.size(0)](const Tensor& g) {
                  const Tensor number =
                      reshape(arange(rows.numel(), {DType::i32, &rows.backend()}), rows.shape());
                  const Tensor last = compute::index_put(
                      zeros({size}, {DType::i32, &rows.backend()}), rows, number);
                  Tensor stands = compute::gather(last, rows) == number;
                  for (int axis = rows.rank(); axis < g.rank() - 1 + rows.rank(); ++axis) {
                    stands = unsqueeze(stands, -1);
                  }
                  return where(stands, gather(g, rows), 0);
                }));
}

Tensor pick(const Tensor& x, const Tensor& columns) {
  if (x.rank() != 2 || columns.rank() != 1 || columns.size(0) != x.size(0)) {
    throw ShapeError(fmt::format("[pick] needs x [n, classes] and columns [n], got {} and {}",
                                 to_string(x.shape()), to_string(columns.shape())));
  }
  check_indices("pick", columns, x.size(1));
  return squeeze(take_along_dim(x, unsqueeze(columns, 1), 1), 1);
}

Tensor one_hot(const Tensor& indices, std::int64_t classes, DType dtype) {
  check_indices("one_hot", indices, classes);
  const Tensor all = arange(classes, {DType::i32, &indices.backend()});
  return cast(unsqueeze(indices, -1) == all, dtype);
}

}  // namespace gradus
