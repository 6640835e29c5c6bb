// Sums and other reductions. Each is computed with the reduced axes kept at size 1, so that results
// and gradients broadcast against x; a reshape removes these axes at the end.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/indices.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elements.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus {

std::vector<int> checked_axes(const char* op, const Tensor& x, const Axes& axes) {
  std::vector<int> list;
  for (int axis : axes.list) list.push_back(x.shape().axis_at(axis));
  if (axes.list.empty()) {
    for (int axis = 0; axis < x.rank(); ++axis) list.push_back(axis);
  }
  std::sort(list.begin(), list.end());
  if (std::adjacent_find(list.begin(), list.end()) != list.end()) {
    throw ShapeError(fmt::format("[{}] an axis of {} is named twice", op, to_string(x.shape())));
  }
  return list;
}

namespace {

Tensor drop(const Tensor& y, const std::vector<int>& axes, bool keep) {
  if (keep) return y;
  Shape shape = y.shape();
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) shape = shape.without(*axis);
  return reshape(y, shape);
}

// y, in f64, of whole numbers or truth values, as i32.
Tensor whole(const char* op, const Tensor& y) {
  for (double value : y.to_vector<double>()) check_i32(op, value);
  return cast(y, DType::i32);
}

// y = max or min of x: the gradient goes to the elements equal to y, in equal shares.
Tensor extreme(ReduceOp op, const Tensor& x, const Axes& axes, bool keep) {
  if (!is_floating(x.dtype())) {
    return whole(name_of(op), extreme(op, cast(x, DType::f64), axes, keep));
  }
  const std::vector<int> list = checked_axes(name_of(op), x, axes);
  const Tensor y = record(name_of(op), compute::reduce(op, x, list),
                          edge(x, [x, list](const Tensor& g, const Tensor& result) {
                            const Tensor equal = cast(x == result, x.dtype());
                            return equal * (g / sum(equal, list, true));
                          }));
  return drop(y, list, keep);
}

double count(const Tensor& x, const std::vector<int>& axes) {
  double n = 1;
  for (int axis : axes) n *= static_cast<double>(x.size(axis));
  return n;
}

Tensor floating(const Tensor& x) {
  return is_floating(x.dtype()) ? x.detach() : cast(x, DType::f64);
}

// What the squared distances from the mean are divided by.
double degrees(const char* op, const Tensor& x, const std::vector<int>& axes, int correction) {
  compute::check_floating(op, x);
  const double n = count(x, axes) - correction;
  if (n <= 0) {
    throw ShapeError(fmt::format("[{}] {} with correction {} leaves nothing to divide by", op,
                                 to_string(x.shape()), correction));
  }
  return n;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep) {
  if (!is_floating(x.dtype())) return whole("sum", sum(cast(x, DType::f64), axes, keep));
  const std::vector<int> list = checked_axes("sum", x, axes);
  const Tensor y =
      record("sum", compute::reduce(ReduceOp::sum, x, list),
             edge(x, [shape = x.shape()](const Tensor& g) { return expand(g, shape); }));
  return drop(y, list, keep);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep) {
  if (!is_floating(x.dtype())) return cast(mean(cast(x, DType::f64), axes, keep), DType::f32);
  const std::vector<int> list = checked_axes("mean", x, axes);
  return sum(x, list, keep) / count(x, list);
}

Tensor max(const Tensor& x, const Axes& axes, bool keep) {
  return extreme(ReduceOp::max, x, axes, keep);
}

Tensor min(const Tensor& x, const Axes& axes, bool keep) {
  return extreme(ReduceOp::min, x, axes, keep);
}

Tensor argmax(const Tensor& x, int axis, bool keep) {
  const std::vector<int> list = checked_axes("argmax", x, axis);
  return drop(compute::reduce(ReduceOp::argmax, floating(x), list), list, keep);
}

Tensor argmin(const Tensor& x, int axis, bool keep) {
  const std::vector<int> list = checked_axes("argmin", x, axis);
  return drop(compute::reduce(ReduceOp::argmax, -floating(x), list, "argmin"), list, keep);
}

// The first half times the second, until one is left: products have a gradient without a division.
Tensor prod(const Tensor& x, const Axes& axes, bool keep) {
  compute::check_floating("prod", x);
  const std::vector<int> list = checked_axes("prod", x, axes);
  Tensor y = unchanged(x);
  for (int axis : list) {
    while (y.size(axis) > 1) {
      const std::int64_t n = y.size(axis), half = n / 2;
      const Tensor pairs = slice(y, axis, 0, half) * slice(y, axis, half, 2 * half);
      y = n % 2 == 0 ? pairs : concat({pairs, slice(y, axis, n - 1)}, axis);
    }
    if (y.size(axis) == 0) y = sum(y, axis, true) + 1;
  }
  return drop(y, list, keep);
}

Tensor norm(const Tensor& x, const Axes& axes, bool keep) {
  const std::vector<int> list = checked_axes("norm", x, axes);
  const Tensor value = [&] {
    NoGrad off;
    return sqrt(sum(square(x), list, true));
  }();
  const Tensor y = record("norm", value, edge(x, [x](const Tensor& g, const Tensor& result) {
                            const Tensor length = where(result == 0, 1, result);
                            return fused([&] { return g * x / length; });
                          }));
  return drop(y, list, keep);
}

// log(sum(e^x)) = m + log(sum(e^(x - m))) with m the largest x (0 if that is infinite);
// the gradient is e^(x - y), zero where y is -inf.
Tensor logsumexp(const Tensor& x, const Axes& axes, bool keep) {
  compute::check_floating("logsumexp", x);
  const std::vector<int> list = checked_axes("logsumexp", x, axes);
  const Tensor value = [&] {
    NoGrad off;
    const Tensor largest =  // of no elements 0
        x.numel() == 0 ? sum(x.detach(), list, true) : max(x.detach(), list, true);
    const Tensor m = where(abs(largest) == kInfinity, 0, largest);
    return log(sum(fused([&] { return exp(x - m); }), list, true)) + m;
  }();
  const Tensor y = record("logsumexp", value, edge(x, [x](const Tensor& g, const Tensor& result) {
                            const Tensor finite = where(result == -kInfinity, 0, result);
                            return fused([&] { return g * exp(x - finite); });
                          }));
  return drop(y, list, keep);
}

Tensor var(const Tensor& x, const Axes& axes, bool keep, int correction) {
  const std::vector<int> list = checked_axes("var", x, axes);
  const double n = degrees("var", x, list, correction);
  const Tensor centre = mean(x, list, true);
  return sum(fused([&] { return square(x - centre); }), list, keep) / n;
}

// As a norm, so that the gradient of equal numbers is 0 and not NaN.
Tensor stddev(const Tensor& x, const Axes& axes, bool keep, int correction) {
  const std::vector<int> list = checked_axes("stddev", x, axes);
  const double n = degrees("stddev", x, list, correction);
  return norm(x - mean(x, list, true), list, keep) / std::sqrt(n);
}

namespace {
// Rows [count, n], each number replaced by the sum of those up to it in its row.
template <class T>
Tensor running_sums(const Tensor& rows) {
  std::vector<T> numbers = rows.to_vector<T>();
  const std::int64_t n = rows.size(-1);
  parallel_for(n == 0 ? 0 : rows.numel() / n, 16, [&](std::int64_t row, std::int64_t end) {
    for (; row < end; ++row) {
      double sum = 0;
      for (std::int64_t i = row * n; i < (row + 1) * n; ++i) {
        T& number = numbers[static_cast<std::size_t>(i)];
        number = static_cast<T>(sum += number);
      }
    }
  });
  return from_vector(numbers, rows.shape(), &rows.backend());
}
}  // namespace

// x_j is part of every y_i from i = j on: dL/dx_j is the sum of g from j to the end.
Tensor cumsum(const Tensor& x, int axis) {
  const Tensor rows = transpose(x.detach(), axis, -1);
  const Tensor sums = x.dtype() == DType::f32   ? running_sums<float>(rows)
                      : x.dtype() == DType::f64 ? running_sums<double>(rows)
                                                : whole("cumsum", running_sums<double>(rows));
  return record("cumsum", transpose(sums, axis, -1), edge(x, [axis](const Tensor& g) {
                  return flip(cumsum(flip(g, axis), axis), axis);
                }));
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return unchanged(x);
  if (broadcast(x.shape(), shape, "sum_to") != x.shape()) {
    throw ShapeError(fmt::format("[sum_to] {} was not broadcast from {}", to_string(x.shape()),
                                 to_string(shape)));
  }
  const int lead = x.rank() - shape.rank();
  std::vector<int> axes;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis < lead || shape[axis - lead] != x.size(axis)) axes.push_back(axis);
  }
  return reshape(axes.empty() ? x : sum(x, axes, true), shape);
}

}  // namespace gradus
