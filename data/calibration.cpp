#include "data/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "data/metrics.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

void check_texts(const char* op, std::span<const float> values,
                 std::span<const std::int32_t> labels, std::int64_t classes) {
  if (classes < 1 || std::ssize(values) != std::ssize(labels) * classes) {
    throw ShapeError(fmt::format("[{}] {} numbers are not {} for each of {} texts", op,
                                 values.size(), classes, labels.size()));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      throw IndexError(
          fmt::format("[{}] text {} has label {} of {} classes", op, i, labels[i], classes));
    }
  }
  const auto* odd = std::find_if(values.data(), values.data() + values.size(),
                                 [](float value) { return !std::isfinite(value); });
  if (odd != values.data() + values.size()) {
    throw Error(fmt::format("[{}] text {} has a number that is not finite", op,
                            (odd - values.data()) / classes));
  }
}

namespace {

// Against labels that are right with probability (n + 1) / (n + 2), n being how many there are: a few
// texts that are all classified correctly are no reason to be sure. Platt, "Probabilistic outputs for
// support vector machines", 1999, section 2.2.
double log_loss(std::span<const float> logits, std::span<const std::int32_t> labels,
                std::size_t classes, double temperature) {
  const double doubt = classes > 1 ? 1 / (static_cast<double>(labels.size()) + 2) : 0;
  const auto loss_of = [&](std::size_t i) {
    const auto row = logits.subspan(i * classes, classes);
    const double largest = double{*std::max_element(row.begin(), row.end())};
    double sum = 0, total = 0;
    for (const float x : row) {
      sum += std::exp((double{x} - largest) / temperature);
      total += double{x} - largest;
    }
    const double own = double{row[static_cast<std::size_t>(labels[i])]} - largest;
    const double others = classes > 1 ? (total - own) / static_cast<double>(classes - 1) : 0;
    return std::log(sum) - ((1 - doubt) * own + doubt * others) / temperature;
  };
  std::vector<double> losses(labels.size());  // with thousands of classes this takes all cores
  parallel_for(std::ssize(labels), kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      losses[i] = loss_of(i);
    }
  });
  return std::accumulate(losses.begin(), losses.end(), 0.0);
}

}  // namespace

// The loss has one minimum in 1 / t, being convex in it: a golden-section search, on a scale of logarithms.
// Of the two places within the bounds the next round keeps one, and its loss (Kiefer, "Sequential minimax
// search for a maximum", 1953).
double fit_temperature(std::span<const float> logits, std::span<const std::int32_t> labels,
                       std::int64_t classes) {
  check_texts("fit_temperature", logits, labels, classes);
  if (labels.empty()) return 1;
  const auto loss = [&](double log_t) {
    return log_loss(logits, labels, static_cast<std::size_t>(classes), std::exp(log_t));
  };
  constexpr double kShare = 1 / std::numbers::phi;
  double low = std::log(0.05), high = std::log(20);
  double a = high - kShare * (high - low), b = low + kShare * (high - low);
  double at_a = loss(a), at_b = loss(b);
  while (high - low > 1e-3) {
    if (at_a < at_b) {
      high = std::exchange(b, a);
      at_b = at_a;
      a = high - kShare * (high - low);
      at_a = loss(a);
    } else {
      low = std::exchange(a, b);
      at_a = at_b;
      b = low + kShare * (high - low);
      at_b = loss(b);
    }
  }
  return std::exp((low + high) / 2);
}

double calibration_error(std::span<const float> probabilities, std::span<const std::int32_t> labels,
                         std::int64_t classes) {
  check_texts("calibration_error", probabilities, labels, classes);
  struct Bin {
    double confidence = 0, right = 0;  // sums
  };
  std::array<Bin, 15> bins;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto n = static_cast<std::size_t>(classes);
    const auto row = probabilities.subspan(i * n, n);
    const std::size_t best = likeliest(row);
    const double p = std::clamp(double{row[best]}, 0.0, 1.0);
    Bin& bin = bins[std::min<std::size_t>(14, static_cast<std::size_t>(p * 15))];
    bin.confidence += p;
    bin.right += best == static_cast<std::size_t>(labels[i]) ? 1 : 0;
  }
  double error = 0;
  for (const Bin& bin : bins) error += std::abs(bin.right - bin.confidence);
  return labels.empty() ? 0 : error / static_cast<double>(labels.size());
}

}  // namespace gradus::data
