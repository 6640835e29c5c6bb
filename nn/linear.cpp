#include "nn/linear.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

Linear::Linear(std::int64_t in, std::int64_t out, LinearOptions options) {
  check_sizes("Linear", {in, out});
  const double bound = 1 / std::sqrt(static_cast<double>(in));
  weight = parameter(empty({out, in}));
  init::uniform(weight, -bound, bound);
  if (options.bias) {
    bias = parameter(empty({out}));
    init::uniform(bias, -bound, bound);
  }
}

Tensor Linear::operator()(const Tensor& x, UnaryOp activation) const {
  const std::int64_t in = weight.size(1);
  if (x.rank() == 0 || x.size(-1) != in) {
    throw ShapeError(fmt::format("{}: input has {} features, expected {}; input {}", location(),
                                 x.rank() == 0 ? 0 : x.size(-1), in, to_string(x.shape())));
  }
  return located([&] { return linear(x, weight, bias, activation); });
}

void Linear::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

std::string Linear::detail() const {
  return fmt::format("{} -> {}", weight.size(1), weight.size(0));
}

}  // namespace gradus::nn
