// Elementwise functions made of others. g is dL/dy throughout.

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "autograd/ops.h"

namespace gradus {

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), where nothing overflows.
Tensor softplus(const Tensor& x) {
  const Tensor y = [&] {
    NoGrad off;
    return relu(x) + log1p(exp(-abs(x)));
  }();
  return record("softplus", y, edge(x, [x](const Tensor& g) { return g * sigmoid(x); }));
}

Tensor silu(const Tensor& x) { return x * sigmoid(x); }

// The branch not taken is held at 0, for e^x may overflow and inf * 0 is NaN.
Tensor elu(const Tensor& x, double alpha) {
  const Tensor below = clamp(x, -kInfinity, 0);
  return where(x > 0, x, alpha * expm1(below));
}

Tensor leaky_relu(const Tensor& x, double slope) { return where(x > 0, x, slope * x); }

}  // namespace gradus
