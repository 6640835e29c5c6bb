#include <fmt/format.h>

#include <algorithm>

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

namespace {

Tensor activated(UnaryOp f, const Tensor& x) {
  switch (f) {
    case UnaryOp::copy: return x;
    case UnaryOp::relu: return relu(x);
    case UnaryOp::gelu: return gelu(x);
    case UnaryOp::tanh: return tanh(x);
    case UnaryOp::sigmoid: return sigmoid(x);
    default:
      throw Error(fmt::format("[linear] {} is not one of its activations; apply it to the result",
                              name_of(f)));
  }
}

Tensor linear_definition(const Tensor& x, const Tensor& weight, const Tensor& bias, UnaryOp f) {
  const Tensor y = matmul(x, transpose(weight));
  return activated(f, bias.defined() ? y + bias : y);
}

}  // namespace

// With s = x weight^T + bias and ds = g f'(s): dL/dx = ds weight, dL/dweight = ds^T x, dL/dbias =
// the sum of ds's rows.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, UnaryOp f) {
  if (weight.rank() != 2 || x.rank() < 1 || x.size(-1) != weight.size(1)) {
    throw ShapeError(fmt::format("[linear] x {} must end with the columns of weight {} ([out, in])",
                                 to_string(x.shape()), to_string(weight.shape())));
  }
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError(fmt::format("[linear] bias {} must have one number for each row of weight {}",
                                 to_string(bias.shape()), to_string(weight.shape())));
  }
  if (x.rank() == 1) return select(linear(unsqueeze(x, 0), weight, bias, f), 0, 0);
  if (x.rank() > 2) {
    return reshape(linear(flatten(x, 0, -2), weight, bias, f), x.shape().with(-1, weight.size(0)));
  }
  compute::check_same("linear", x, weight);
  if (bias.defined()) compute::check_same("linear", x, bias);
  compute::check_floating("linear", x);
  const Tensor y = empty({x.size(0), weight.size(0)}, x.options());
  if (!x.backend().linear(x.view(), weight.view(), compute::view_of(bias), f, y.view())) {
    return linear_definition(x, weight, bias, f);
  }
  return record_fused(
      "linear", y, {x, weight, bias},
      [f](const std::vector<Tensor>& in) { return linear_definition(in[0], in[1], in[2], f); },
      [=](const Tensor& g, const Tensor& result) -> std::vector<Tensor> {
        const Tensor gc = compute::contiguous(g);
        const Tensor dx = compute::room_for_gradient(x), dw = compute::room_for_gradient(weight),
                     db = compute::room_for_gradient(bias);
        const bool taken = x.backend().linear_gradient(x.view(), weight.view(), f, result.view(),
                                                       gc.view(), compute::view_of(dx),
                                                       compute::view_of(dw), compute::view_of(db));
        compute::check_taken("linear", taken);
        return {dx, dw, db};
      });
}

namespace {

// d = ||p - q||^2 = -2 p.q + p.p + q.q, for the rows p and q of two matrices: one product, of them with
// columns added, [-2 p, p.p, 1] [q, 1, q.q]^T. What rounding takes below 0 is 0.
Tensor squared_distances(const Tensor& p, const Tensor& q) {
  const Shape shape = p.shape().with(-1, q.size(-2));
  if (shape.without(-2) == q.shape().without(-1)) {
    const Tensor d = empty(shape, p.options());
    if (p.backend().squared_distance(p.view(), q.view(), d.view())) return d;
  }
  const Tensor pp = sum(square(p), -1, true), qq = sum(square(q), -1, true);
  const Tensor d = matmul(concat({p * -2, pp, ones(pp.shape(), p.options())}, -1),
                          transpose(concat({q, ones(qq.shape(), q.options()), qq}, -1)));
  return maximum(d, 0);
}

}  // namespace

// p and q are a and b moved to where b's mean is 0, so that little cancels.
// dL/dp = 2 (g's sum over q) p - 2 g q, dL/dq = 2 (g's sum over p) q - 2 g^T p, also where d is cut off
// at 0: points that meet can part.
Tensor squared_distance(const Tensor& a, const Tensor& b) {
  if (a.rank() < 2 || b.rank() < 2 || a.size(-1) != b.size(-1)) {
    throw ShapeError(fmt::format("[squared_distance] points differ in size: a {}, b {}",
                                 to_string(a.shape()), to_string(b.shape())));
  }
  compute::check_same("squared_distance", a, b);
  compute::check_floating("squared_distance", a);
  const Tensor centre = compute::centre_of(b);
  const Tensor p = a - centre, q = b - centre;
  const auto pull = [](const Tensor& g, const Tensor& from, const Tensor& to) {
    return 2 * (sum(g, -1, true) * from - matmul(g, to));
  };
  return record("squared_distance", squared_distances(p.detach(), q.detach()),
                edge(p, [=](const Tensor& g) { return pull(g, p, q); }),
                edge(q, [=](const Tensor& g) { return pull(transpose(g), q, p); }));
}

}  // namespace gradus
