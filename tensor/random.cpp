#include "tensor/random.h"

#include <fmt/format.h>

#include <cmath>
#include <mutex>
#include <numbers>

#include "tensor/error.h"
#include "tensor/philox.h"

namespace gradus {

namespace {

std::mutex mutex;
RandomState current;

void check_floating(const char* op, DType dtype) {
  if (!is_floating(dtype)) {
    throw DTypeError(fmt::format("[{}] makes f32 or f64, not {}", op, name_of(dtype)));
  }
}

}  // namespace

void manual_seed(std::uint64_t seed) { set_random_state({seed, 0}); }

RandomState random_state() {
  std::lock_guard lock(mutex);
  return current;
}

void set_random_state(RandomState state) {
  std::lock_guard lock(mutex);
  current = state;
}

RandomState take_stream() {
  std::lock_guard lock(mutex);
  RandomState mine = current;
  ++current.next_stream;
  return mine;
}

Tensor uniform_stream(RandomState state, const Shape& shape, Backend& backend) {
  Tensor out = empty(shape, {DType::f32, &backend});
  if (backend.uniform(state.seed, state.next_stream, out.view())) return out;
  std::vector<float> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = to_uniform(philox(state.seed, state.next_stream, i / 4)[i % 4]);
  }
  backend.upload(values.data(), out.view());
  return out;
}

Tensor uniform(const Shape& shape, double low, double high, TensorOptions options) {
  check_floating("uniform", options.dtype);
  Backend& on = options.backend != nullptr ? *options.backend : default_backend();
  std::vector<double> values = uniform_stream(take_stream(), shape, on).to_vector<double>();
  for (double& value : values) value = low + (high - low) * value;
  return to(from_vector(values, shape, &on), {options.dtype, &on});
}

Tensor normal(const Shape& shape, double mean, double deviation, TensorOptions options) {
  check_floating("normal", options.dtype);
  const RandomState state = take_stream();
  Backend& on = options.backend != nullptr ? *options.backend : default_backend();
  const Tensor out = empty(shape, {DType::f64, &on});
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  // Of each block of four numbers (u0, u1, u2, u3), pairs make two normals each:
  // sqrt(-2 log(1 - u0)) * (cos, sin)(2 pi u1). 1 - u is never 0.
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = philox(state.seed, state.next_stream, i / 4);
    const std::size_t pair = i % 4 / 2 * 2;
    const double radius = std::sqrt(-2 * std::log(1 - double{to_uniform(bits[pair])}));
    const double angle = 2 * std::numbers::pi * double{to_uniform(bits[pair + 1])};
    values[i] = mean + deviation * radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
  }
  on.upload(values.data(), out.view());
  return to(out, {options.dtype, &on});
}

}  // namespace gradus
