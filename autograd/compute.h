// Computing without a graph: each function checks its inputs, allocates the result and calls one
// method of the backend. Ops (autograd/ops.h) are these plus their gradients.
#pragma once

#include <span>

#include "tensor/tensor.h"

namespace gradus::compute {

// All throw BackendError for tensors of two backends, DTypeError for different dtypes or one that
// the operation is not defined for, ShapeError for shapes that do not fit.
Tensor unary(UnaryOp op, const Tensor& x);
// dL/dx of a unary op from `known` (Backend::unary_gradient) and g, by the backend's kernel;
// undefined if it has none, or if the gradient is to be recorded.
Tensor unary_gradient(UnaryOp op, const Tensor& known, const Tensor& g);
Tensor cast(const Tensor& x, DType dtype);
Tensor copy(const Tensor& x);        // the same values in memory of its own
Tensor contiguous(const Tensor& x);  // x itself if it is contiguous
Tensor binary(BinaryOp op, const Tensor& a, const Tensor& b);  // broadcasts
Tensor select(const Tensor& cond, const Tensor& a, const Tensor& b);
// Over `axes` (none: all), which keep size 1. Messages call it `name`, by default the op's name.
Tensor reduce(ReduceOp op, const Tensor& x, std::span<const int> axes, const char* name = nullptr);
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor gather(const Tensor& table, const Tensor& rows);
// A table of `size` zero rows with src[i] added to row rows[i].
Tensor scatter_add(const Tensor& src, const Tensor& rows, std::int64_t size);
// In place, for optimizers: table[rows[i]] = src[i].
void assign_rows(const Tensor& table, const Tensor& rows, const Tensor& src,
                 const char* op = "assign_rows");
// A copy of table with table[rows[i]] = src[i].
Tensor index_put(const Tensor& table, const Tensor& rows, const Tensor& src);
// Writes x into the part of `whole` that the layout `part` describes.
void copy_into(const Tensor& x, const Tensor& whole, const Layout& part);

// For kernels: the view of x, with a null buffer if x is undefined.
View view_of(const Tensor& x);
// Where a kernel writes the gradient of x: uninitialised; undefined if x needs no gradient.
Tensor room_for_gradient(const Tensor& x);

// For other ops' checks. Throws BackendError or DTypeError naming both.
void check_same(const char* op, const Tensor& a, const Tensor& b);
void check_floating(const char* op, const Tensor& x);
// The mean of points [..., n, d] over axis n, which is kept, outside the graph. Subtracted from
// both sides before computing distances, it avoids cancellation. With `counted` [..., n, 1], the
// mean of the points for which it is true; 0 if there are none.
Tensor centre_of(const Tensor& points, const Tensor& counted = {});
// For gradients of fused kernels: throws BackendError if the backend offers only the kernel itself.
void check_taken(const char* op, bool taken);

}  // namespace gradus::compute
