// Elementwise functions composed of others. g is dL/dy throughout.

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "autograd/ops.h"

namespace gradus {

// e^x - 1 = tanh(x / 2) (e^x + 1), where nothing cancels near 0.
Tensor expm1(const Tensor& x) {
  const Tensor y = [&] {
    NoGrad off;
    return tanh(x * 0.5) * (exp(x) + 1);
  }();
  return record("expm1", y, edge(x, [x](const Tensor& g) { return g * exp(x); }));
}

// What x loses when it is rounded to u - 1, u = 1 + x, log(u) loses in proportion: log(u) x / (u - 1)
// makes up for it. Kahan; see Goldberg, "What every computer scientist should know about
// floating-point arithmetic", ACM Computing Surveys 1991, theorem 4.
Tensor log1p(const Tensor& x) {
  const Tensor y = [&] {
    NoGrad off;
    const Tensor u = x + 1, rounded = u - 1;
    return where(rounded == 0, x, log(u) * where(rounded == x, 1, x / rounded));
  }();
  return record("log1p", y, edge(x, [x](const Tensor& g) { return g / (x + 1); }));
}

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
