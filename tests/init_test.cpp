#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"

using namespace gradus;

namespace {
struct Moments {
  double mean, variance, largest;
};
Moments moments(const Tensor& x) { return {mean(x).item(), var(x).item(), max(abs(x)).item()}; }
}  // namespace

TEST_CASE("distributions have the variance of their papers") {
  manual_seed(3);
  const Tensor weight = zeros({200, 50, 4});  // fan_in 50 * 4 = 200, fan_out 200 * 4 = 800
  const auto check = [&](double variance, double bound) {
    const Moments m = moments(weight);
    CHECK(std::abs(m.mean) < 0.01 * std::sqrt(variance) * 3);
    CHECK(m.variance == doctest::Approx(variance).epsilon(0.03));
    if (bound > 0) CHECK(m.largest <= bound);
    if (bound > 0) CHECK(m.largest > 0.99 * bound);
  };
  nn::init::xavier_uniform(weight);
  check(2.0 / 1000, std::sqrt(6.0 / 1000));
  nn::init::xavier_normal(weight, 2);
  check(4 * 2.0 / 1000, 0);
  nn::init::kaiming_uniform(weight);
  check(2.0 / 200, std::sqrt(6.0 / 200));
  nn::init::kaiming_normal(weight, 1);
  check(1.0 / 200, 0);
  nn::init::uniform(weight, -0.5, 0.5);
  check(1.0 / 12, 0.5);
  nn::init::normal(weight, 0, 0.02);
  check(0.0004, 0);
}

TEST_CASE("a seed decides the parameters") {
  manual_seed(5);
  const std::vector<double> first = nn::Linear(8, 8).weight.to_vector<double>();
  const std::vector<double> next = nn::Linear(8, 8).weight.to_vector<double>();
  manual_seed(5);
  CHECK(nn::Linear(8, 8).weight.to_vector<double>() == first);
  CHECK(next != first);
}

TEST_CASE("initialisers write where every handle sees it, and need fans") {
  nn::Linear layer(3, 2);
  const Tensor handle = layer.weight;
  nn::init::ones(layer.weight);
  CHECK(sum(handle).item() == 6);
  nn::init::zeros(layer.weight);
  CHECK(sum(handle).item() == 0);
  CHECK(layer.weight.requires_grad());
  CHECK_THROWS_AS(nn::init::kaiming_uniform(layer.bias), ShapeError);
  // Linear starts within 1 / sqrt(in).
  CHECK(max(abs(nn::Linear(100, 100).weight)).item() <= 0.1);
}

TEST_CASE("normal_parameter makes what normal writes") {
  manual_seed(3);
  const Tensor made = nn::init::normal_parameter({3, 5}, 1, 2);
  CHECK(made.requires_grad());
  manual_seed(3);
  const Tensor written = nn::parameter(empty({3, 5}));
  nn::init::normal(written, 1, 2);
  CHECK(made.to_vector<float>() == written.to_vector<float>());
}

TEST_CASE("initialisers are skipped for as long as a Skip lives") {
  manual_seed(1);
  const Tensor x = ones({3});
  {
    const nn::init::Skip outer;
    { const nn::init::Skip inner; }
    CHECK(nn::init::normal_parameter({2, 3}).shape() == Shape{2, 3});
    nn::init::zeros(x);
    nn::init::normal(x);
    nn::init::uniform(x, 5, 6);
  }
  CHECK(x.to_vector<double>() == std::vector<double>{1, 1, 1});
  CHECK(random_state().next_stream == 0);
  nn::init::zeros(x);
  CHECK(x.to_vector<double>() == std::vector<double>{0, 0, 0});
}
