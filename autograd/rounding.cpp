// Step functions: constant except for jumps, so their gradient is zero.

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"

namespace gradus {

namespace {
Tensor step(UnaryOp op, const Tensor& x) {
  return record(name_of(op), compute::unary(op, x),
                edge(x, [](const Tensor& g) { return zeros_like(g); }));
}
}  // namespace

Tensor sign(const Tensor& x) { return step(UnaryOp::sign, x); }
Tensor floor(const Tensor& x) { return step(UnaryOp::floor, x); }
Tensor ceil(const Tensor& x) { return step(UnaryOp::ceil, x); }
Tensor round(const Tensor& x) { return step(UnaryOp::round, x); }

}  // namespace gradus
