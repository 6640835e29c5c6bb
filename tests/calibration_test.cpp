#include "data/calibration.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tensor/error.h"
#include "tensor/philox.h"

using namespace gradus::data;

TEST_CASE("the temperature that logits were multiplied by is found") {
  // Labels drawn from softmax([x, 0]); the logits given are 3 x, so the temperature is 3.
  std::vector<float> logits;
  std::vector<std::int32_t> labels;
  for (std::uint64_t i = 0; i < 40000; ++i) {
    const auto random = gradus::philox(1, 0, i);
    const double x = 6 * double{gradus::to_uniform(random[0])} - 3;
    labels.push_back(double{gradus::to_uniform(random[1])} < 1 / (1 + std::exp(-x)) ? 0 : 1);
    logits.push_back(static_cast<float>(3 * x));
    logits.push_back(0);
  }
  CHECK(fit_temperature(logits, labels, 2) == doctest::Approx(3).epsilon(0.03));
  CHECK(fit_temperature({}, {}, 2) == 1);
  CHECK_THROWS_AS(fit_temperature(logits, labels, 3), gradus::ShapeError);
  // One text, and it is right: 1 / (1 + e^(-1/t)) = 2/3.
  const std::vector<float> sure{1, 0};
  const std::vector<std::int32_t> right{0};
  CHECK(fit_temperature(sure, right, 2) == doctest::Approx(1 / std::log(2)).epsilon(0.01));
}

TEST_CASE("calibration error by hand") {
  // Two texts at 0.9, one right: |1 - 1.8|; one at 0.6, right: |1 - 0.6|; over three texts.
  const std::vector<float> p{0.9F, 0.1F, 0.9F, 0.1F, 0.4F, 0.6F};
  const std::vector<std::int32_t> labels{0, 1, 1};
  CHECK(calibration_error(p, labels, 2) == doctest::Approx(1.2 / 3));
  CHECK(calibration_error({}, {}, 2) == 0);
  CHECK_THROWS_AS(calibration_error(p, labels, 3), gradus::ShapeError);
}
