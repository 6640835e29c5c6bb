#include "tensor/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <span>

#include "tensor/box_muller.h"
#include "tensor/elements.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"

namespace gradus {

namespace {

// How many normal numbers are made before they are uploaded, and by one task: multiples of four.
constexpr std::int64_t kNormals = std::int64_t{1} << 20, kNormalsAtOnce = 4096;

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
  const DType dtype = options.dtype.value_or(DType::f32);
  check_floating("uniform", dtype);
  if (!(low <= high && std::isfinite(high - low))) {
    throw Error(fmt::format("[uniform] there is no number in [{}, {})", low, high));
  }
  Backend& on = options.backend != nullptr ? *options.backend : default_backend();
  const Tensor stream = uniform_stream(take_stream(), shape, on);
  const Tensor out = empty(shape, {dtype, &on});
  std::vector<float> numbers;
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    write_parts<T>(out, [&](std::int64_t first, std::span<T> values) {
      numbers.resize(values.size());
      on.download(part_of(stream, first, std::ssize(values)), numbers.data());
      std::ranges::transform(numbers, values.begin(), [=](float number) {
        return static_cast<T>(low + (high - low) * double{number});
      });
    });
  });
  return out;
}

Tensor normal(const Shape& shape, double mean, double deviation, TensorOptions options) {
  const DType dtype = options.dtype.value_or(DType::f32);
  check_floating("normal", dtype);
  if (!(std::isfinite(mean) && deviation >= 0 && deviation < kInfinity)) {
    throw Error(
        fmt::format("[normal] mean {} and deviation {}: both must be finite, the deviation at "
                    "least 0",
                    mean, deviation));
  }
  const RandomState state = take_stream();
  Backend& on = options.backend != nullptr ? *options.backend : default_backend();
  const Tensor out = empty(shape, {dtype, &on});
  if (on.normal(state.seed, state.next_stream, mean, deviation, out.view())) return out;
  const std::int64_t total = shape.numel();
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> values(static_cast<std::size_t>(std::min(total, kNormals)));
    for (std::int64_t first = 0; first < total; first += kNormals) {
      const View part = part_of(out, first, std::min(kNormals, total - first));
      parallel_for(part.shape().numel(), kNormalsAtOnce, [&](std::int64_t i, std::int64_t end) {
        for (; i < end; i += 4) {  // a block of Philox at a time
          const auto block = static_cast<std::uint64_t>(first + i) / 4;
          const auto bits = philox(state.seed, state.next_stream, block);
          const auto [a, b] = box_muller::pair(bits[0], bits[1]);
          const auto [c, d] = box_muller::pair(bits[2], bits[3]);
          std::array<T, 4> four;
          std::ranges::transform(std::array{a, b, c, d}, four.begin(), [=](double number) {
            return static_cast<T>(mean + deviation * number);
          });
          std::copy_n(four.begin(), std::min<std::int64_t>(4, end - i), values.begin() + i);
        }
      });
      on.upload(values.data(), part);
    }
  });
  return out;
}

}  // namespace gradus
