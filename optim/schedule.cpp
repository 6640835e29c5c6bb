#include "optim/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/error.h"

namespace gradus::optim {

namespace {

// Warm-up, then `shape` of how much of the rest is done, in [0, 1].
template <class Shape>
Schedule warmed_up(std::int64_t warmup, std::int64_t total, double floor, Shape shape) {
  if (warmup < 0 || warmup >= total) {
    throw Error(
        fmt::format("[schedule] {} steps of warm-up do not fit in {} steps: 0 <= warmup < total",
                    warmup, total));
  }
  return [=](std::int64_t step) {
    if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
    const double done = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
    return floor + (1 - floor) * shape(std::min(done, 1.0));
  };
}

double half_cosine(double done) { return (1 + std::cos(std::numbers::pi * done)) / 2; }

}  // namespace

Schedule step_decay(std::int64_t every, double factor) {
  if (every < 1)
    throw Error(fmt::format("[schedule] step_decay every {} steps: at least 1 is needed", every));
  return [=](std::int64_t step) {
    const std::int64_t stairs = step / every;
    return std::pow(factor, static_cast<double>(stairs));
  };
}

Schedule cosine(std::int64_t total, double floor) {
  return warmed_up(0, total, floor, half_cosine);
}

Schedule warmup_cosine(std::int64_t warmup, std::int64_t total, double floor) {
  return warmed_up(warmup, total, floor, half_cosine);
}

Schedule warmup_linear(std::int64_t warmup, std::int64_t total, double floor) {
  return warmed_up(warmup, total, floor, [](double done) { return 1 - done; });
}

}  // namespace gradus::optim
