#include "nn/positions.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

namespace {
// Of each row of a packed batch its place within its segment: i32 [rows].
Tensor places_of(const Segments& segments, Backend& backend) {
  std::vector<std::int32_t> places;
  places.reserve(static_cast<std::size_t>(segments.rows()));
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    for (std::int32_t place = 0; place < segments.size(s); ++place) places.push_back(place);
  }
  return from_vector(places, {segments.rows()}, &backend);
}
}  // namespace

Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim, Backend& backend) {
  const Shape shape{count, dim};
  const Tensor positions = empty(shape, {.backend = &backend});  // refuses what memory cannot hold
  if (shape.numel() == 0) return positions;
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
  std::vector<float> values(static_cast<std::size_t>(shape.numel()) + 1);
  float* row = values.data();
  for (std::int64_t p = 0; p < count; ++p, row += dim) {
    float* to = row;  // where columns are odd, the next row takes the place of the last cosine
    for (Turn& t : turns) {
      *to++ = static_cast<float>(t.sin);
      *to++ = static_cast<float>(t.cos);
      t = {t.sin_w, t.cos_w, t.sin * t.cos_w + t.cos * t.sin_w, t.cos * t.cos_w - t.sin * t.sin_w};
    }
  }
  backend.upload(values.data(), positions.view());
  return positions;
}

Tensor sinusoidal_positions(const Segments& segments, std::int64_t dim, Backend& backend) {
  return gather(sinusoidal_positions(segments.longest(), dim, backend),
                places_of(segments, backend));
}

// (a, b) turned by an angle is (a cos - b sin, a sin + b cos).
Tensor rotary(const Tensor& x, const Tensor& positions) {
  if (x.rank() == 0 || x.size(-1) % 2 != 0 || positions.rank() == 0 ||
      positions.size(-1) != x.size(-1)) {
    throw ShapeError(
        fmt::format("[rotary] x {} and positions {} must have the same even number of columns",
                    to_string(x.shape()), to_string(positions.shape())));
  }
  const auto columns = [](const Tensor& t, std::int64_t first) {
    return slice(t, -1, first, {}, 2);
  };
  const Tensor turns = cast(positions, x.dtype());
  const Tensor sine = columns(turns, 0), cosine = columns(turns, 1);
  const Tensor a = columns(x, 0), b = columns(x, 1);
  return flatten(stack({a * cosine - b * sine, a * sine + b * cosine}, -1), -2, -1);
}

LearnedPositions::LearnedPositions(std::int64_t limit, std::int64_t dim, double deviation) {
  check_sizes("LearnedPositions", {limit, dim});
  check_option("LearnedPositions", "deviation", deviation, 0, kInfinity);
  weight = parameter(empty({limit, dim}));
  init::normal(weight, 0, deviation);
}

void LearnedPositions::check_longest(std::int64_t count) const {
  if (count > weight.size(0)) {
    throw IndexError(fmt::format("{}: a text of {} rows is longer than the limit, {}", location(),
                                 count, weight.size(0)));
  }
}

Tensor LearnedPositions::operator()(std::int64_t count) const {
  check_longest(count);
  return located([&] { return gather(weight, arange(count, {DType::i32, &weight.backend()})); });
}

Tensor LearnedPositions::operator()(const Segments& segments) const {
  check_longest(segments.longest());
  return located([&] { return gather(weight, places_of(segments, weight.backend())); });
}

std::string LearnedPositions::detail() const {
  return fmt::format("{} x {}", weight.size(0), weight.size(1));
}

}  // namespace gradus::nn
