// Elementwise functions made of others. g is dL/dy throughout.

#include "autograd/fused.h"
#include "autograd/node.h"
#include "autograd/ops.h"

namespace gradus {

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), where nothing overflows.
Tensor softplus(const Tensor& x) {
  return record("softplus", fused_value([&] { return relu(x) + log1p(exp(-abs(x))); }),
                edge(x, in_one_pass([x](const Tensor& g) { return g * sigmoid(x); })));
}

// With s = sigmoid(x): dy/dx = s + x s (1 - s).
Tensor silu(const Tensor& x) {
  return record("silu", fused_value([&] { return x * sigmoid(x); }),
                edge(x, in_one_pass([x](const Tensor& g) {
                       const Tensor s = sigmoid(x);
                       return g * (s + x * s * (1 - s));
                     })));
}

// The branch not taken is held at 0, for e^x may overflow and inf * 0 is NaN.
Tensor elu(const Tensor& x, double alpha) {
  const auto y = [&] { return where(x > 0, x, alpha * expm1(minimum(x, 0))); };
  const auto dx = in_one_pass(
      [x, alpha](const Tensor& g) { return where(x > 0, g, g * alpha * exp(minimum(x, 0))); });
  return record("elu", fused_value(y), edge(x, dx));
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return record(
      "leaky_relu", fused_value([&] { return where(x > 0, x, slope * x); }),
      edge(x, in_one_pass([x, slope](const Tensor& g) { return where(x > 0, g, slope * g); })));
}

}  // namespace gradus
