#include "optim/weight_average.h"

#include <doctest/doctest.h>

#include "gradus.h"

using namespace gradus;

TEST_CASE("weights are averaged, more slowly as steps go by, and swapped with their averages") {
  Tensor p = tensor(1, {DType::f64}).set_requires_grad();
  optim::WeightAverage average({p}, {.decay = 0.25});
  CHECK(average.averages()[0].item() == 1);
  // decay at update 1: min(0.25, 2 / 11) = 2/11; at 2: min(0.25, 3 / 12) = 1/4; then 1/4
  double expected = 1;
  for (const auto& [value, decay] : {std::pair{4.0, 2.0 / 11}, {8.0, 0.25}, {-2.0, 0.25}}) {
    p.assign(tensor(value));
    average.update();
    expected = decay * expected + (1 - decay) * value;
    CHECK(average.averages()[0].item() == doctest::Approx(expected));
  }
  CHECK(p.item() == -2);
  CHECK_FALSE(average.averages()[0].requires_grad());

  average.swap();
  CHECK(p.item() == doctest::Approx(expected));
  CHECK(average.averages()[0].item() == -2);
  CHECK(p.requires_grad());
  average.swap();
  CHECK(p.item() == -2);
  average.update();
  CHECK(average.averages()[0].item() == doctest::Approx(0.25 * expected - 0.75 * 2));
}

TEST_CASE("a decay of 1 would never learn, and is refused") {
  CHECK_THROWS_WITH_AS(optim::WeightAverage({}, {.decay = 1}),
                       doctest::Contains("[WeightAverage] decay is 1"), Error);
}

TEST_CASE("an average goes on from its saved state") {
  Tensor p = tensor({1, 2}).set_requires_grad(), q = tensor({0, 0}).set_requires_grad();
  optim::WeightAverage average({p}), other({q});
  for (const double value : {3.0, -1.0}) {
    p.assign(full({2}, value));
    average.update();
  }
  other.load_state(average.state());
  q.assign(p);
  average.update();
  other.update();
  CHECK(other.averages()[0].to_vector<double>() == average.averages()[0].to_vector<double>());
}
