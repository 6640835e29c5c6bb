// Boolean tensors: combining, testing and reducing them. No operation here has a gradient.

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

Tensor operator&&(const Tensor& a, const Tensor& b) { return logical_and(a, b); }
Tensor operator||(const Tensor& a, const Tensor& b) { return logical_or(a, b); }
Tensor operator!(const Tensor& x) { return logical_not(x); }

Tensor isnan(const Tensor& x) { return x != x; }
Tensor isfinite(const Tensor& x) {
  return is_floating(x.dtype()) ? abs(x.detach()) < kInfinity : x == x;
}

namespace {
// 1 where the boolean x is true: a sum of these is 0 only if none is, however it is rounded.
Tensor ones_where(const char* op, const Tensor& x) {
  if (x.dtype() != DType::boolean) {
    throw DTypeError(
        fmt::format("[{}] is defined for boolean, got {}; compare, as in x != 0", op, describe(x)));
  }
  return cast(x, DType::f32);
}
}  // namespace

Tensor any(const Tensor& x, const Axes& axes, bool keep) {
  return sum(ones_where("any", x), axes, keep) > 0;
}
Tensor all(const Tensor& x, const Axes& axes, bool keep) {
  return sum(1 - ones_where("all", x), axes, keep) == 0;
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol) {
  compute::check_same("allclose", a, b);
  if (a.shape() != b.shape()) {
    throw ShapeError(fmt::format("[allclose] shapes differ: a {}, b {}; use expand()",
                                 to_string(a.shape()), to_string(b.shape())));
  }
  NoGrad off;
  const Tensor x = cast(a, DType::f64), y = cast(b, DType::f64);
  const Tensor near =
      abs(x - y) <= atol + rtol * abs(y);  // of no infinity, whose limit is infinite
  return all(x == y || (near && isfinite(y))).item() != 0;
}

}  // namespace gradus
