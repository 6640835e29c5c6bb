#include <fmt/format.h>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

// y = a b: dL/da = g b^T, dL/db = a^T g. One matrix b for a whole batch of a: the batch is one tall
// matrix, so that its gradient is one product and not a sum of many.
Tensor matmul(const Tensor& a, const Tensor& b) {
  if (b.rank() == 2 && a.rank() > 2 && a.size(-1) == b.size(0)) {
    const Shape shape = a.shape().with(-1, b.size(1));
    return reshape(matmul(flatten(a, 0, -2), b), shape);
  }
  return record("matmul", compute::matmul(a, b),
                edge(a, [b](const Tensor& g) { return matmul(g, transpose(b)); }),
                edge(b, [a](const Tensor& g) { return matmul(transpose(a), g); }));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.rank() != 2 || x.rank() < 1 || x.size(-1) != weight.size(1)) {
    throw ShapeError(fmt::format("[linear] x {} must end with the columns of weight {} ([out, in])",
                                 to_string(x.shape()), to_string(weight.shape())));
  }
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError(fmt::format("[linear] bias {} must have one number for each row of weight {}",
                                 to_string(bias.shape()), to_string(weight.shape())));
  }
  if (x.rank() == 1) return select(linear(unsqueeze(x, 0), weight, bias), 0, 0);
  const Tensor y = matmul(x, transpose(weight));
  return bias.defined() ? y + bias : y;
}

// ||a - b||^2 = a.a + b.b - 2 a.b, never below zero.
Tensor squared_distance(const Tensor& a, const Tensor& b) {
  if (a.rank() < 2 || b.rank() < 2 || a.size(-1) != b.size(-1)) {
    throw ShapeError(fmt::format("[squared_distance] points differ in size: a {}, b {}",
                                 to_string(a.shape()), to_string(b.shape())));
  }
  const Tensor aa = sum(square(a), -1, true);             // [.., m, 1]
  const Tensor bb = transpose(sum(square(b), -1, true));  // [.., 1, n]
  return relu(aa + bb - 2 * matmul(a, transpose(b)));
}

}  // namespace gradus
