// Results without a graph: each function checks its inputs, lays out the result and calls one
// method of the backend. Ops (autograd/ops.h) are these plus their gradients.
#pragma once

#include <span>

#include "tensor/tensor.h"

namespace gradus::compute {

// All throw BackendError for tensors of two backends, DTypeError for two dtypes or one that the
// operation is not defined for, ShapeError for shapes that do not fit.
Tensor unary(UnaryOp op, const Tensor& x);
// The backend's kernel for dL/dx of a unary op from `known` (Backend::unary_gradient) and g;
// undefined where it has none, or where the gradient is to be recorded.
Tensor unary_gradient(UnaryOp op, const Tensor& known, const Tensor& g);
Tensor cast(const Tensor& x, DType dtype);
Tensor copy(const Tensor& x);        // the same values in memory of their own
Tensor contiguous(const Tensor& x);  // x itself where it has no gaps already
Tensor binary(BinaryOp op, const Tensor& a, const Tensor& b);  // broadcasts
Tensor select(const Tensor& cond, const Tensor& a, const Tensor& b);
// Over `axes` (none: all), which stay with size 1. `name`: what messages call it, if not by its op.
Tensor reduce(ReduceOp op, const Tensor& x, std::span<const int> axes, const char* name = nullptr);
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor gather(const Tensor& table, const Tensor& rows);
// A table of `size` rows of zeros with src[i] added to row rows[i].
Tensor scatter_add(const Tensor& src, const Tensor& rows, std::int64_t size);
// In place, for optimizers: table[rows[i]] = src[i].
void assign_rows(const Tensor& table, const Tensor& rows, const Tensor& src,
                 const char* op = "assign_rows");
// A copy of table with table[rows[i]] = src[i].
Tensor index_put(const Tensor& table, const Tensor& rows, const Tensor& src);
// Writes x over the part of `whole` that `part` lays out.
void copy_into(const Tensor& x, const Tensor& whole, const Layout& part);

// For kernels: the view of x, one without memory where x is undefined.
View view_of(const Tensor& x);
// Where a kernel writes the gradient of x: uninitialised, undefined where none is wanted.
Tensor room_for_gradient(const Tensor& x);

// For other ops' checks. Throws BackendError or DTypeError naming both.
void check_same(const char* op, const Tensor& a, const Tensor& b);
void check_floating(const char* op, const Tensor& x);
// The mean of points [..., n, d] over axis n, which is kept: what is subtracted from both sides of
// distances, so that little cancels. Where there is `counted`, [..., n, 1], the mean of those for
// which it is true. 0 where there is no mean, and without a graph.
Tensor centre_of(const Tensor& points, const Tensor& counted = {});
// Of the gradient of a fused kernel. Throws BackendError if the backend has only the kernel itself.
void check_taken(const char* op, bool taken);

}  // namespace gradus::compute
