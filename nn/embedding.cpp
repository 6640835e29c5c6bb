#include "nn/embedding.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

Embedding::Embedding(std::int64_t count, std::int64_t dim, EmbeddingOptions options) {
  check_sizes("Embedding", {count, dim});
  weight = parameter(empty({count, dim}));
  init::normal(weight, 0, options.deviation);
}

Tensor Embedding::operator()(const Tensor& tokens) const {
  return located([&] { return gather(weight, tokens); });
}

std::string Embedding::detail() const {
  return fmt::format("{} x {}", weight.size(0), weight.size(1));
}

Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim, Backend& backend) {
  const Shape shape{count, dim};
  std::vector<double> frequencies;
  for (std::int64_t column = 0; column < dim; column += 2) {
    frequencies.push_back(
        std::pow(10000.0, -static_cast<double>(column) / static_cast<double>(dim)));
  }
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(shape.numel()));
  for (std::int64_t p = 0; p < count; ++p) {
    for (std::int64_t column = 0; column < dim; ++column) {
      const double angle =
          static_cast<double>(p) * frequencies[static_cast<std::size_t>(column / 2)];
      values.push_back(static_cast<float>(column % 2 == 0 ? std::sin(angle) : std::cos(angle)));
    }
  }
  return from_vector(values, shape, &backend);
}

Tensor sinusoidal_positions(const Segments& segments, std::int64_t dim, Backend& backend) {
  std::vector<std::int32_t> places;
  places.reserve(static_cast<std::size_t>(segments.rows()));
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    for (std::int32_t place = 0; place < segments.size(s); ++place) places.push_back(place);
  }
  return gather(sinusoidal_positions(segments.longest(), dim, backend),
                from_vector(places, {segments.rows()}, &backend));
}

}  // namespace gradus::nn
