#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {

// t [channels] as [channels, 1, ...], which broadcasts against x.
Tensor channels_of(const Tensor& x, const Tensor& t) {
  Shape shape = t.shape();
  while (shape.rank() < x.rank() - 1) shape = shape.inserted(-1, 1);
  return reshape(t, shape);
}

void check(const Tensor& x, std::initializer_list<Tensor> parts) {
  compute::check_floating("batch_norm", x);
  if (x.rank() < 2) {
    throw ShapeError(
        fmt::format("[batch_norm] x {} must be [batch, channels, ...]", to_string(x.shape())));
  }
  for (const Tensor& part : parts) {
    if (!part.defined()) continue;
    if (part.shape() != Shape{x.size(1)}) {
      throw ShapeError(fmt::format("[batch_norm] {} must have one number for each channel of x {}",
                                   to_string(part.shape()), to_string(x.shape())));
    }
    compute::check_same("batch_norm", x, part);
  }
}

// All but the channels' axis.
Axes others(const Tensor& x) {
  Axes axes{0};
  for (int axis = 2; axis < x.rank(); ++axis) axes.list.push_back(axis);
  return axes;
}

}  // namespace

// (x - mean) slope + bias, computed as x slope + (bias - mean slope): one pass less. Where the mean is many
// deviations from 0, that loses as many digits as rounding x itself does.
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& weight,
                  const Tensor& bias, double epsilon) {
  check(x, {mean, variance, weight, bias});
  const Tensor scale = 1 / sqrt(variance + epsilon);
  const Tensor slope = weight.defined() ? scale * weight : scale;
  const Tensor start = bias.defined() ? bias - mean * slope : -mean * slope;
  return fused([&] { return x * channels_of(x, slope) + channels_of(x, start); });
}

namespace {
// With s = sqrt(variance + epsilon), n = (x - mean) / s and means over each channel:
// dL/dx = weight (g - mean(g) - n mean(g n)) / s, dL/dweight = sum(g n), dL/dbias = sum(g).
std::vector<Tensor> training_gradients(const Tensor& x, const Tensor& weight, const Tensor& mean,
                                       const Tensor& variance, double epsilon, const Tensor& g) {
  const Tensor centre = channels_of(x, mean);
  const Tensor scale = channels_of(x, 1 / sqrt(variance + epsilon));
  const auto normal = [&] { return (x - centre) * scale; };
  const Tensor db = sum(g, others(x));
  const Tensor dw = sum(fused([&] { return g * normal(); }), others(x));
  const double count = static_cast<double>(x.numel()) / static_cast<double>(x.size(1));
  const Tensor of_g = channels_of(x, db / count), of_gn = channels_of(x, dw / count);
  const Tensor slope = channels_of(x, weight) * scale;
  return {fused([&] { return slope * (g - of_g - normal() * of_gn); }), dw, db};
}
}  // namespace

BatchNormed batch_norm_training(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                double epsilon) {
  check(x, {weight, bias});
  const std::int64_t channels = x.size(1), numbers = channels == 0 ? 0 : x.numel() / channels;
  if (numbers < 2) {
    throw ShapeError(fmt::format("[batch_norm] in training each channel needs two numbers, got {}",
                                 to_string(x.shape())));
  }
  const TensorOptions like_x = x.options();
  const Tensor w = weight.defined() ? weight : ones({channels}, like_x);
  const Tensor b = bias.defined() ? bias : zeros({channels}, like_x);
  const auto definition = [epsilon](const std::vector<Tensor>& in) {
    const Tensor centre = mean(in[0], others(in[0])), spread = var(in[0], others(in[0]), false, 0);
    return BatchNormed{batch_norm(in[0], centre, spread, in[1], in[2], epsilon), centre.detach(),
                       spread.detach()};
  };
  // What kernels see: [batch, channels, n].
  const Shape seen{x.size(0), channels, numbers / x.size(0)};
  const auto dense = [seen](const Tensor& t) { return reshape(compute::contiguous(t), seen); };
  const Tensor xc = dense(x), wc = compute::contiguous(w), bc = compute::contiguous(b);
  const Tensor y = empty(seen, like_x);
  const Tensor centre = empty({channels}, like_x), spread = empty({channels}, like_x);
  if (!x.backend().batch_norm(xc.view(), wc.view(), bc.view(), epsilon, y.view(), centre.view(),
                              spread.view())) {
    const BatchNormed found = [&] {
      NoGrad off;
      return definition({x, w, b});
    }();
    const Tensor recorded = record_fused(
        "batch_norm", found.y, {x, w, b},
        [definition](const std::vector<Tensor>& in) { return definition(in).y; },
        [=, average = found.mean, variance = found.variance](const Tensor& g, const Tensor&) {
          return training_gradients(x, w, average, variance, epsilon, g);
        });
    return {recorded, found.mean, found.variance};
  }
  const Tensor result = record_fused(
      "batch_norm", reshape(y, x.shape()), {x, w, b},
      [definition](const std::vector<Tensor>& in) { return definition(in).y; },
      [=, shape = x.shape()](const Tensor& g, const Tensor&) -> std::vector<Tensor> {
        const Tensor dx = empty(seen, like_x);
        const Tensor dw = empty({channels}, like_x), db = empty({channels}, like_x);
        const Tensor gc = dense(g);
        const bool taken =
            xc.backend().batch_norm_gradient(xc.view(), wc.view(), centre.view(), spread.view(),
                                             epsilon, gc.view(), dx.view(), dw.view(), db.view());
        compute::check_taken("batch_norm", taken);
        return {reshape(dx, shape), dw, db};
      });
  return {result, centre, spread};
}

}  // namespace gradus
