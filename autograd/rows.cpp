#include <fmt/format.h>

#include <limits>

#include "autograd/compute.h"
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

namespace {
// The values of i32 `indices`, each in [0, limit).
std::vector<std::int32_t> checked(const char* op, const Tensor& indices, std::int64_t limit) {
  if (indices.dtype() != DType::i32) {
    throw DTypeError(fmt::format("[{}] indices are i32, got {}", op, describe(indices)));
  }
  std::vector<std::int32_t> values = indices.to_vector<std::int32_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= limit) {
      throw IndexError(
          fmt::format("[{}] index {} (number {}) is outside [0, {})", op, values[i], i, limit));
    }
  }
  return values;
}
}  // namespace

// Element (i, columns[i]) of x is element i * classes + columns[i] of x laid out flat.
Tensor pick(const Tensor& x, const Tensor& columns) {
  if (x.rank() != 2 || columns.rank() != 1 || columns.size(0) != x.size(0)) {
    throw ShapeError(fmt::format("[pick] needs x [n, classes] and columns [n], got {} and {}",
                                 to_string(x.shape()), to_string(columns.shape())));
  }
  if (x.numel() > std::numeric_limits<std::int32_t>::max()) {
    throw ShapeError(
        fmt::format("[pick] x {} has more elements than i32 can count", to_string(x.shape())));
  }
  std::vector<std::int32_t> places = checked("pick", columns, x.size(1));
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i] += static_cast<std::int32_t>(static_cast<std::int64_t>(i) * x.size(1));
  }
  return gather(reshape(x, {-1}), from_vector(places, columns.shape(), &x.backend()));
}

Tensor one_hot(const Tensor& indices, std::int64_t classes, DType dtype) {
  checked("one_hot", indices, classes);
  const Tensor all = arange(classes, {DType::i32, &indices.backend()});
  return cast(unsqueeze(indices, -1) == all, dtype);
}

}  // namespace gradus
