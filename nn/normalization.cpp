#include "nn/normalization.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "autograd/ops.h"
#include "nn/check.h"

namespace gradus::nn {

LayerNorm::LayerNorm(std::int64_t dim, LayerNormOptions options)
    : dim_(dim), epsilon_(options.epsilon) {
  check_sizes("LayerNorm", {dim});
  check_option("LayerNorm", "epsilon", options.epsilon, 0, kInfinity);
  if (options.affine) {
    weight = parameter(ones({dim}));
    bias = parameter(zeros({dim}));
  }
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  if (x.rank() == 0 || x.size(-1) != dim_) {
    throw ShapeError(fmt::format("{}: input has {} features, expected {}; input {}", location(),
                                 x.rank() == 0 ? 0 : x.size(-1), dim_, to_string(x.shape())));
  }
  return located([&] { return layer_norm(x, weight, bias, epsilon_); });
}

void LayerNorm::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

std::string LayerNorm::detail() const { return fmt::format("{}", dim_); }

BatchNorm::BatchNorm(const char* type, std::initializer_list<int> ranks, std::int64_t channels,
                     const BatchNormOptions& options)
    : ranks_(ranks), options_(options) {
  check_sizes(type, {channels});
  check_option(type, "epsilon", options.epsilon, 0, kInfinity);
  if (!(options.momentum >= 0 && options.momentum <= 1)) {
    throw Error(fmt::format("[{}] momentum is {}; it must be in [0, 1]", type, options.momentum));
  }
  if (options.affine) {
    weight = parameter(ones({channels}));
    bias = parameter(zeros({channels}));
  }
  running_mean = zeros({channels});
  running_var = ones({channels});
}

Tensor BatchNorm::operator()(const Tensor& x) const {
  const std::int64_t channels = running_mean.size(0);
  if (std::find(ranks_.begin(), ranks_.end(), x.rank()) == ranks_.end() || x.size(1) != channels) {
    throw ShapeError(fmt::format("{}: input {} must have {} channels at axis 1 of {} axes",
                                 location(), to_string(x.shape()), channels,
                                 fmt::join(ranks_, " or ")));
  }
  return located([&] {
    if (!training())
      return batch_norm(x, running_mean, running_var, weight, bias, options_.epsilon);
    const BatchNormed own = batch_norm_training(x, weight, bias, options_.epsilon);
    const auto follow = [&](Tensor running, const Tensor& batch) {
      running.assign(running + options_.momentum * (batch - running));
    };
    const double n = static_cast<double>(x.numel()) / static_cast<double>(channels);
    follow(running_mean, own.mean);
    follow(running_var, own.variance * (n / (n - 1)));
    return own.y;
  });
}

void BatchNorm::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
  v.buffer("running_mean", running_mean);
  v.buffer("running_var", running_var);
}

std::string BatchNorm::detail() const { return fmt::format("{}", running_mean.size(0)); }

}  // namespace gradus::nn
