#include "nn/embedding.h"

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

Embedding::Embedding(std::int64_t count, std::int64_t dim, EmbeddingOptions options) {
  check_sizes("Embedding", {count, dim});
  check_option("Embedding", "deviation", options.deviation, 0, kInfinity);
  weight = init::normal_parameter({count, dim}, 0, options.deviation);
}

Tensor Embedding::operator()(const Tensor& tokens) const {
  return located([&] { return gather(weight, tokens); });
}

std::string Embedding::detail() const {
  return fmt::format("{} x {}", weight.size(0), weight.size(1));
}

}  // namespace gradus::nn
