// Functions that step: constant but for jumps, so that their gradient is zero and no graph is kept.

#include "autograd/compute.h"
#include "autograd/ops.h"

namespace gradus {

Tensor floor(const Tensor& x) { return compute::unary(UnaryOp::floor, x); }

Tensor ceil(const Tensor& x) { return -floor(-x.detach()); }

// Numbers of the size of 2^23 (f32) or 2^52 have no bits left after the point: adding it rounds, halves
// to the even neighbour. Larger ones are whole already.
Tensor round(const Tensor& x) {
  compute::check_floating("round", x);
  const Tensor v = x.detach(), size = abs(v);
  const double whole = x.dtype() == DType::f64 ? 0x1p52 : 0x1p23;
  return where(size < whole, ((size + whole) - whole) * sign(v), v);
}

}  // namespace gradus
