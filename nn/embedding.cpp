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
  // From place to place, (sin, cos) of p w turns by the angle w:
  //   sin (p + 1) w = sin pw cos w + cos pw sin w,   cos (p + 1) w = cos pw cos w - sin pw sin w
  struct Turn {
    double sin_w, cos_w, sin = 0, cos = 1;
  };
  std::vector<Turn> turns;
  for (std::int64_t column = 0; column < dim; column += 2) {
    const double w = std::pow(10000.0, -static_cast<double>(column) / static_cast<double>(dim));
    turns.push_back({std::sin(w), std::cos(w)});
  }
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(shape.numel()) + 1);
  for (std::int64_t p = 0; p < count; ++p) {
    for (Turn& t : turns) {
      values.push_back(static_cast<float>(t.sin));
      values.push_back(static_cast<float>(t.cos));
      t = {t.sin_w, t.cos_w, t.sin * t.cos_w + t.cos * t.sin_w, t.cos * t.cos_w - t.sin * t.sin_w};
    }
    if (dim % 2 == 1) values.pop_back();  // the last sine has no cosine beside it
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
