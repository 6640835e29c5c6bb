#include "nn/normalization.h"

#include "autograd/ops.h"
#include "nn/check.h"

namespace gradus::nn {

LayerNorm::LayerNorm(std::int64_t dim, LayerNormOptions options)
    : dim_(dim), epsilon_(options.epsilon) {
  check_sizes("LayerNorm", {dim});
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

}  // namespace gradus::nn
