#include <fmt/format.h>

#include <cmath>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus {

namespace {

Tensor like(const Tensor& x) { return empty(x.shape(), x.options()); }

// x less its largest along the last axis: e to it cannot overflow. A row of -inf stays -inf.
Tensor shifted(const Tensor& x) {
  const Tensor largest = max(x, -1, true);
  return x - where(largest == -kInfinity, 0, largest);
}

// The sum of a row, 1 for a row without anything.
Tensor sum_of_row(const Tensor& e) {
  const Tensor s = sum(e, -1, true);
  return where(s == 0, 1, s);
}

Tensor softmax_forward(const Tensor& x) {
  NoGrad off;
  const Tensor dense = compute::contiguous(x);
  const Tensor y = like(dense);
  if (x.numel() == 0 || x.backend().softmax(dense.view(), y.view())) return y;
  const Tensor e = exp(shifted(dense));
  return e / sum_of_row(e);
}

Tensor log_softmax_forward(const Tensor& x) {
  NoGrad off;
  const Tensor dense = compute::contiguous(x);
  const Tensor y = like(dense);
  if (x.numel() == 0 || x.backend().log_softmax(dense.view(), y.view())) return y;
  const Tensor shift = shifted(dense);
  return shift - log(sum_of_row(exp(shift)));
}

// A kernel of the backend for dL/dx from y and g, if it has one and nothing is to be recorded.
Tensor offered(bool (Backend::*kernel)(const View&, const View&, const View&), const Tensor& y,
               const Tensor& g) {
  if (grad_enabled()) return {};
  const Tensor dense = compute::contiguous(g);
  const Tensor dx = like(y);
  return (y.backend().*kernel)(y.view(), dense.view(), dx.view()) ? dx : Tensor();
}

bool is_last(const Tensor& x, int axis) { return x.shape().axis_at(axis) == x.rank() - 1; }

}  // namespace

// dy_i/dx_j = y_i ([i = j] - y_j), so dL/dx = y (g - sum(g y)).
Tensor softmax(const Tensor& x, int axis) {
  compute::check_floating("softmax", x);
  if (!is_last(x, axis)) return transpose(softmax(transpose(x, axis, -1)), axis, -1);
  return record("softmax", softmax_forward(x), edge(x, [](const Tensor& g, const Tensor& y) {
                  const Tensor dx = offered(&Backend::softmax_gradient, y, g);
                  return dx.defined() ? dx : y * (g - sum(g * y, -1, true));
                }));
}

// dy_i/dx_j = [i = j] - e^y_j, so dL/dx = g - e^y sum(g).
Tensor log_softmax(const Tensor& x, int axis) {
  compute::check_floating("log_softmax", x);
  if (!is_last(x, axis)) return transpose(log_softmax(transpose(x, axis, -1)), axis, -1);
  return record("log_softmax", log_softmax_forward(x),
                edge(x, [](const Tensor& g, const Tensor& y) {
                  const Tensor dx = offered(&Backend::log_softmax_gradient, y, g);
                  return dx.defined() ? dx : g - exp(y) * sum(g, -1, true);
                }));
}

// y = log(sum(e^x)) - x[label], so dL/dx = g (softmax(x) - one_hot(label)).
Tensor softmax_cross_entropy(const Tensor& x, const Tensor& labels) {
  compute::check_floating("softmax_cross_entropy", x);
  if (x.rank() != 2 || labels.rank() != 1 || labels.size(0) != x.size(0)) {
    throw ShapeError(
        fmt::format("[softmax_cross_entropy] x {} must be [n, classes] and labels {} [n]",
                    to_string(x.shape()), to_string(labels.shape())));
  }
  const Definition definition = [labels](const std::vector<Tensor>& in) {
    return -pick(log_softmax(in[0]), labels);
  };
  const Tensor dense = compute::contiguous(x);
  const Tensor loss = empty(labels.shape(), x.options());
  if (labels.dtype() != DType::i32 || &labels.backend() != &x.backend() ||
      !x.backend().softmax_cross_entropy(dense.view(), compute::contiguous(labels).view(),
                                         loss.view())) {
    return definition({x});  // which says what is wrong with labels that are not i32
  }
  return record_fused("softmax_cross_entropy", loss, {x}, definition,
                      [=](const Tensor& g, const Tensor&) -> std::vector<Tensor> {
                        const Tensor dx = like(dense);
                        const bool taken = dense.backend().softmax_cross_entropy_gradient(
                            dense.view(), compute::contiguous(labels).view(),
                            compute::contiguous(g).view(), dx.view());
                        compute::check_taken("softmax_cross_entropy", taken);
                        return {dx};
                      });
}

namespace {

Tensor layer_norm_definition(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             double epsilon) {
  const Tensor centred = x - mean(x, -1, true);
  const Tensor y = centred / sqrt(mean(square(centred), -1, true) + epsilon) * weight;
  return y + bias;
}

}  // namespace

// With s = sqrt(variance + epsilon), n = (x - mean) / s and h = g weight:
// dL/dx = (h - mean(h) - n mean(h n)) / s, dL/dweight = the sum of g n over rows, dL/dbias = that of g.
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
  compute::check_floating("layer_norm", x);
  if (x.rank() == 0) throw ShapeError("[layer_norm] x must have a last axis, got a scalar");
  const std::int64_t dim = x.size(-1);
  for (const Tensor& part : {weight, bias}) {
    if (part.defined() && part.shape() != Shape{dim}) {
      throw ShapeError(
          fmt::format("[layer_norm] x {} needs weight and bias of the size of its last axis, "
                      "got {}",
                      to_string(x.shape()), describe(part)));
    }
    if (part.defined()) compute::check_same("layer_norm", x, part);
  }
  const TensorOptions like_x = x.options();
  const Tensor w = weight.defined() ? weight : ones({dim}, like_x);
  const Tensor b = bias.defined() ? bias : zeros({dim}, like_x);
  const Shape table{x.shape().without(-1).numel(), dim};  // what kernels see: [rows, dim]
  const auto as_table = [table](const Tensor& t) { return reshape(compute::contiguous(t), table); };
  const Tensor dense = as_table(x), y = like(dense);
  const Tensor center = empty({table[0]}, like_x), scale = empty({table[0]}, like_x);
  const Tensor wc = compute::contiguous(w), bc = compute::contiguous(b);
  if (!x.backend().layer_norm(dense.view(), wc.view(), bc.view(), epsilon, y.view(), center.view(),
                              scale.view())) {
    return layer_norm_definition(x, w, b, epsilon);
  }
  return record_fused(
      "layer_norm", reshape(y, x.shape()), {x, w, b},
      [epsilon](const std::vector<Tensor>& in) {
        return layer_norm_definition(in[0], in[1], in[2], epsilon);
      },
      [=, shape = x.shape()](const Tensor& g, const Tensor&) -> std::vector<Tensor> {
        const Tensor dx = like(dense), dw = like(wc), db = like(wc);
        const Tensor gc = as_table(g);
        const bool taken = dense.backend().layer_norm_gradient(
            dense.view(), wc.view(), center.view(), scale.view(), gc.view(), dx.view(), dw.view(),
            db.view());
        compute::check_taken("layer_norm", taken);
        return {reshape(dx, shape), dw, db};
      });
}

namespace {

// x where the stream's number is at least p, divided by 1 - p. Linear in x: the gradient is the
// same function of g.
Tensor drop(const Tensor& x, double p, RandomState state) {
  NoGrad off;
  const Tensor dense = compute::contiguous(x);
  Tensor y = like(dense);
  if (!x.backend().dropout(dense.view(), p, state.seed, state.next_stream, y.view())) {
    const Tensor keep = uniform_stream(state, x.shape(), x.backend()) >= p;
    y = where(keep, dense * (1 / (1 - p)), 0);
  }
  return y;
}

Tensor drop_recorded(const Tensor& x, double p, RandomState state) {
  return record("dropout", drop(x, p, state),
                edge(x, [p, state](const Tensor& g) { return drop_recorded(g, p, state); }));
}

}  // namespace

Tensor dropout(const Tensor& x, double p, bool training) {
  compute::check_floating("dropout", x);
  if (!(p >= 0 && p < 1)) {
    throw Error(fmt::format("[dropout] the probability {} is not in [0, 1)", p));
  }
  if (!training || p == 0) return unchanged(x);
  return drop_recorded(x, p, take_stream());
}

}  // namespace gradus
