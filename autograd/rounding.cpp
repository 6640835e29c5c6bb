// Functions that step: constant but for jumps, so that their gradient is zero and no graph is kept.

#include "autograd/compute.h"
#include "autograd/ops.h"

namespace gradus {

Tensor floor(const Tensor& x) { return compute::unary(UnaryOp::floor, x); }

Tensor ceil(const Tensor& x) { return -floor(-x.detach()); }

Tensor round(const Tensor& x) { return compute::unary(UnaryOp::round, x); }

}  // namespace gradus
