// Elementwise operations. g is dL/dy throughout.

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

Tensor Operand::beside(const Operand& other, Backend* backend) const {
  if (!number_) return tensor_;
  const double x = *number_;
  const TensorOptions like =
      other.number_ ? TensorOptions{.backend = backend} : other.tensor_.options();
  if (like.dtype == DType::i32 && !(x == std::floor(x) && x >= -0x1p31 && x < 0x1p31)) {
    throw DTypeError(fmt::format("[operand] {} does not fit i32; cast() the tensor first", x));
  }
  return full({}, x, like);
}

Tensor operator+(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("add", compute::binary(BinaryOp::add, a, b),
                edge(a, [](const Tensor& g) { return g; }),
                edge(b, [](const Tensor& g) { return g; }));
}

Tensor operator-(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("sub", compute::binary(BinaryOp::sub, a, b),
                edge(a, [](const Tensor& g) { return g; }),
                edge(b, [](const Tensor& g) { return -g; }));
}

Tensor operator*(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("mul", compute::binary(BinaryOp::mul, a, b),
                edge(a, [b](const Tensor& g) { return g * b; }),
                edge(b, [a](const Tensor& g) { return g * a; }));
}

Tensor operator/(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("div", compute::binary(BinaryOp::div, a, b),
                edge(a, [b](const Tensor& g) { return g / b; }),
                edge(b, in_one_pass([b](const Tensor& g, const Tensor& q) { return -g * q / b; })));
}

Tensor operator-(const Tensor& x) {
  return record("neg", compute::unary(UnaryOp::neg, x),
                edge(x, [](const Tensor& g) { return -g; }));
}

Tensor& operator+=(Tensor& x, const Operand& y) { return x = x + y; }
Tensor& operator-=(Tensor& x, const Operand& y) { return x = x - y; }
Tensor& operator*=(Tensor& x, const Operand& y) { return x = x * y; }
Tensor& operator/=(Tensor& x, const Operand& y) { return x = x / y; }

// d(a^b)/da = b a^(b-1), zero where b is, whatever a (1 stands in for it: 0^-1 is infinite, and would
// be in the gradient's own gradient); d(a^b)/db = a^b log a, zero where a is.
Tensor pow(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("pow", compute::binary(BinaryOp::pow, a, b),
                edge(a,
                     [a, b](const Tensor& g) {
                       if (b.numel() == 1 && b.item() != 0) {  // as in pow(x, 3)
                         const Tensor rest = pow(a, b - 1);
                         return fused([&] { return g * b * rest; });
                       }
                       const Tensor flat = b == 0;
                       return where(flat, 0, g * b * pow(where(flat, 1, a), b - 1));
                     }),
                edge(b, [a](const Tensor& g, const Tensor& p) {
                  const Tensor zero = a == 0;
                  return where(zero, 0, g * p * log(where(zero, 1, a)));
                }));
}

namespace {
// A side's part of the gradient: nothing where it loses, g / 2 at ties. NaN neither wins nor loses.
template <class Loses>
Tensor part_of(const Tensor& g, const Tensor& mine, const Tensor& other, Loses loses) {
  return fused([&] { return where(loses(mine, other), 0, where(mine == other, g * 0.5, g)); });
}
}  // namespace

Tensor maximum(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("max", compute::binary(BinaryOp::max, a, b),
                edge(a, [a, b](const Tensor& g) { return part_of(g, a, b, std::less()); }),
                edge(b, [a, b](const Tensor& g) { return part_of(g, b, a, std::less()); }));
}

Tensor minimum(const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y), b = y.beside(x);
  return record("min", compute::binary(BinaryOp::min, a, b),
                edge(a, [a, b](const Tensor& g) { return part_of(g, a, b, std::greater()); }),
                edge(b, [a, b](const Tensor& g) { return part_of(g, b, a, std::greater()); }));
}

Tensor exp(const Tensor& x) {
  return record("exp", compute::unary(UnaryOp::exp, x),
                edge(x, [](const Tensor& g, const Tensor& y) { return g * y; }));
}

Tensor log(const Tensor& x) {
  return record("log", compute::unary(UnaryOp::log, x),
                edge(x, [x](const Tensor& g) { return g / x; }));
}

Tensor expm1(const Tensor& x) {
  return record(
      "expm1", compute::unary(UnaryOp::expm1, x),
      edge(x, in_one_pass([x](const Tensor& g) { return g * exp(x); })));  // y + 1 loses digits
}

Tensor log1p(const Tensor& x) {
  return record("log1p", compute::unary(UnaryOp::log1p, x),
                edge(x, in_one_pass([x](const Tensor& g) { return g / (x + 1); })));
}

Tensor sqrt(const Tensor& x) {
  return record("sqrt", compute::unary(UnaryOp::sqrt, x),
                edge(x, in_one_pass([](const Tensor& g, const Tensor& y) { return g * 0.5 / y; })));
}

Tensor abs(const Tensor& x) {
  return record("abs", compute::unary(UnaryOp::abs, x),
                edge(x, in_one_pass([x](const Tensor& g) { return g * sign(x.detach()); })));
}

Tensor sin(const Tensor& x) {
  return record("sin", compute::unary(UnaryOp::sin, x),
                edge(x, in_one_pass([x](const Tensor& g) { return g * cos(x); })));
}

Tensor cos(const Tensor& x) {
  return record("cos", compute::unary(UnaryOp::cos, x),
                edge(x, in_one_pass([x](const Tensor& g) { return -g * sin(x); })));
}

namespace {
// f(x) where y = f(x) tells the slope: definition(g, y) = g * dy/dx, for backends without a kernel.
template <class F>
Tensor known_by_result(UnaryOp op, const Tensor& x, F definition) {
  return record(name_of(op), compute::unary(op, x), edge(x, [=](const Tensor& g, const Tensor& y) {
                  const Tensor dx = compute::unary_gradient(op, y, g);
                  return dx.defined() ? dx : definition(g, y);
                }));
}
// The same where x tells it: definition(g, x).
template <class F>
Tensor known_by_input(UnaryOp op, const Tensor& x, F definition) {
  return record(name_of(op), compute::unary(op, x), edge(x, [=](const Tensor& g) {
                  const Tensor dx = compute::unary_gradient(op, x, g);
                  return dx.defined() ? dx : definition(g, x);
                }));
}
}  // namespace

Tensor tanh(const Tensor& x) {
  return known_by_result(UnaryOp::tanh, x,
                         [](const Tensor& g, const Tensor& y) { return g * (1 - y * y); });
}

Tensor sigmoid(const Tensor& x) {
  return known_by_result(UnaryOp::sigmoid, x,
                         [](const Tensor& g, const Tensor& y) { return g * y * (1 - y); });
}

Tensor relu(const Tensor& x) {
  return known_by_result(UnaryOp::relu, x,
                         [](const Tensor& g, const Tensor& y) { return where(y == 0, 0, g); });
}

// With Phi and phi the normal distribution and density: y = x Phi(x), dy/dx = Phi(x) + x phi(x).
Tensor gelu(const Tensor& x) {
  return known_by_input(UnaryOp::gelu, x, [](const Tensor& g, const Tensor& at) {
    const Tensor distribution = (erf(at * std::sqrt(0.5)) + 1) * 0.5;
    const Tensor density = exp(at * at * -0.5) / std::sqrt(2 * std::numbers::pi);
    return g * (distribution + at * density);
  });
}

Tensor erf(const Tensor& x) {
  return known_by_input(UnaryOp::erf, x, [](const Tensor& g, const Tensor& at) {
    return g * exp(-at * at) * (2 / std::sqrt(std::numbers::pi));
  });
}

Tensor square(const Tensor& x) {
  return record("square", compute::binary(BinaryOp::mul, x, x),
                edge(x, in_one_pass([x](const Tensor& g) { return g * x * 2; })));
}

Tensor clamp(const Tensor& x, double low, double high) {
  return record("clamp", fused_value([&] { return minimum(maximum(x, low), high); }),
                edge(x, in_one_pass([x, low, high](const Tensor& g) {
                       return where(logical_and(x >= low, x <= high), g, 0);
                     })));
}

Tensor where(const Tensor& cond, const Operand& x, const Operand& y) {
  const Tensor a = x.beside(y, &cond.backend()), b = y.beside(x, &cond.backend());
  return record("where", compute::select(cond, a, b),
                edge(a, [cond](const Tensor& g) { return where(cond, g, 0); }),
                edge(b, [cond](const Tensor& g) { return where(cond, 0, g); }));
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  return where(expand(mask, x.shape()), value, x);
}

namespace {
// Column j less row i of every element of the matrices x [..., m, n]: i32 [m, n].
Tensor offsets(const char* op, const Tensor& x) {
  if (x.rank() < 2) {
    throw ShapeError(fmt::format("[{}] needs two axes, got {}", op, to_string(x.shape())));
  }
  const TensorOptions whole{DType::i32, &x.backend()};
  return arange(x.size(-1), whole) - unsqueeze(arange(x.size(-2), whole), 1);
}
}  // namespace

Tensor tril(const Tensor& x, std::int64_t diagonal) {
  return where(offsets("tril", x) <= static_cast<double>(diagonal), x, 0);
}

Tensor triu(const Tensor& x, std::int64_t diagonal) {
  return where(offsets("triu", x) >= static_cast<double>(diagonal), x, 0);
}

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return unchanged(x);
  const Tensor y = compute::cast(x, dtype);
  if (!is_floating(dtype)) return y;
  return record("cast", y, edge(x, [from = x.dtype()](const Tensor& g) { return cast(g, from); }));
}

namespace {
Tensor compare(BinaryOp op, const Operand& x, const Operand& y) {
  return compute::binary(op, x.beside(y), y.beside(x));
}
}  // namespace

Tensor operator==(const Operand& a, const Operand& b) { return compare(BinaryOp::eq, a, b); }
Tensor operator!=(const Operand& a, const Operand& b) { return compare(BinaryOp::ne, a, b); }
Tensor operator<(const Operand& a, const Operand& b) { return compare(BinaryOp::lt, a, b); }
Tensor operator<=(const Operand& a, const Operand& b) { return compare(BinaryOp::le, a, b); }
Tensor operator>(const Operand& a, const Operand& b) { return compare(BinaryOp::gt, a, b); }
Tensor operator>=(const Operand& a, const Operand& b) { return compare(BinaryOp::ge, a, b); }

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return compute::binary(BinaryOp::logical_and, a, b);
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  return compute::binary(BinaryOp::logical_or, a, b);
}
Tensor logical_not(const Tensor& x) { return compute::unary(UnaryOp::logical_not, x); }

}  // namespace gradus
