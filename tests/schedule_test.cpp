#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"

using namespace gradus;

TEST_CASE("a stair falls every so many steps") {
  const optim::Schedule stair = optim::step_decay(10, 0.5);
  CHECK(stair(0) == 1);
  CHECK(stair(9) == 1);
  CHECK(stair(10) == 0.5);
  CHECK(stair(25) == 0.25);
}

TEST_CASE("a cosine falls from 1 to the floor") {
  const optim::Schedule schedule = optim::cosine(100, 0.2);
  CHECK(schedule(0) == doctest::Approx(1));
  CHECK(schedule(50) == doctest::Approx(0.6));  // half way: the mean of both
  CHECK(schedule(25) == doctest::Approx(0.2 + 0.8 * (1 + std::sqrt(0.5)) / 2));
  CHECK(schedule(100) == doctest::Approx(0.2));
  CHECK(schedule(1000) == doctest::Approx(0.2));
}

TEST_CASE("warm-up rises in a line, then the rest falls") {
  const optim::Schedule curve = optim::warmup_cosine(4, 104);
  const optim::Schedule line = optim::warmup_linear(4, 104, 0.5);
  for (const optim::Schedule& schedule : {curve, line}) {
    CHECK(schedule(0) == 0.25);
    CHECK(schedule(3) == 1);
    CHECK(schedule(4) == 1);
  }
  CHECK(curve(54) == doctest::Approx(0.5));
  CHECK(line(54) == doctest::Approx(0.75));
  CHECK(line(104) == 0.5);
  CHECK(line(200) == 0.5);
}

TEST_CASE("schedules refuse lengths that make no sense") {
  CHECK_THROWS_AS(optim::step_decay(0), Error);
  CHECK_THROWS_AS(optim::cosine(0), Error);
  CHECK_THROWS_AS(optim::warmup_cosine(10, 10), Error);
  CHECK_THROWS_AS(optim::warmup_linear(-1, 10), Error);
}
