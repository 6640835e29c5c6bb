#include "tensor/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>

#include "autograd/ops.h"
#include "tensor/box_muller.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"
#include "tests/throws.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {
using Block = std::array<std::uint32_t, 4>;
}

TEST_CASE("Philox gives the published numbers") {
  // The known answers for philox4x32 with 10 rounds of Random123's own tests (kat_vectors): all
  // bits 0, all 1, and the digits of pi. Their counter is (block, stream), low word first.
  CHECK(philox(0, 0, 0) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint64_t all = ~std::uint64_t{0};
  CHECK(philox(all, all, all) == Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("to_uniform stays in [0, 1)") {
  CHECK(to_uniform(0) == 0);
  CHECK(to_uniform(0xffffffff) == 1 - 0x1p-24f);
  CHECK(to_uniform(0x80000000) == 0.5f);
}

TEST_CASE("one seed, the same numbers: on every backend, for any number of threads, in order") {
  const int before = num_threads();
  const Shape shape{101, 997};  // many chunks, a ragged end
  manual_seed(42);
  const Tensor expected = uniform_stream({42, 3}, shape, backend("reference"));
  CHECK(select(expected, 0, 0).to_vector<float>()[5] == to_uniform(philox(42, 3, 1)[1]));
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    CHECK(uniform_stream({42, 3}, shape, backend("cpu")).to_vector<float>() ==
          expected.to_vector<float>());
    Values drawn;
    for (const std::string on : {"reference", "cpu"}) {
      manual_seed(42);
      const TensorOptions options{DType::f32, &backend(on)};
      const Tensor x = dropout(normal({64, 50}, 0, 1, options) + uniform({50}, 0, 1, options), 0.3);
      if (drawn.empty()) drawn = x.to_vector<double>();
      CHECK(x.to_vector<double>() == drawn);
    }
  }
  set_num_threads(before);
}

TEST_CASE("every call takes the next stream; the state comes back where it was") {
  manual_seed(1);
  const Values a = uniform({4}).to_vector<double>(), b = uniform({4}).to_vector<double>();
  CHECK(a != b);
  const RandomState state = random_state();
  CHECK(state.seed == 1);
  CHECK(state.next_stream == 2);
  const Values c = uniform({4}).to_vector<double>();
  set_random_state(state);
  CHECK(uniform({4}).to_vector<double>() == c);
  manual_seed(1);
  CHECK(uniform({4}).to_vector<double>() == a);
  manual_seed(2);
  CHECK(uniform({4}).to_vector<double>() != a);
}

TEST_CASE("moments of uniform and normal") {
  // n = 200,000: the mean of n numbers of deviation s has deviation s / sqrt(n), their variance
  // about s^2 sqrt(2 / n). 5 deviations; the seed is fixed, so this passes always or never.
  constexpr int n = 200'000;
  const auto moments = [](const Tensor& x) {
    const Tensor wide = cast(x, DType::f64);
    return std::pair{mean(wide).item(), var(wide).item()};
  };
  manual_seed(5);
  const Tensor u = uniform({n}, -1, 3);
  const auto [um, uv] = moments(u);  // mean 1, variance 4^2 / 12
  CHECK(std::abs(um - 1) < 5 * std::sqrt(16. / 12 / n));
  CHECK(std::abs(uv - 16. / 12) < 5 * 16. / 12 * std::sqrt(2. / n));
  const std::vector<float> values = u.to_vector<float>();
  CHECK(*std::min_element(values.begin(), values.end()) >= -1);
  CHECK(*std::max_element(values.begin(), values.end()) <= 3);
  const Tensor z = normal({n}, 2, 0.5);
  const auto [zm, zv] = moments(z);
  CHECK(std::abs(zm - 2) < 5 * 0.5 / std::sqrt(n));
  CHECK(std::abs(zv - 0.25) < 5 * 0.25 * std::sqrt(2. / n));
  // The two of a Box-Muller pair, and pairs, are not correlated.
  const Tensor s = (cast(z, DType::f64) - 2) / 0.5;
  for (const int lag : {1, 2, 3, 4}) {
    const Tensor product = slice(s, 0, lag) * slice(s, 0, 0, -lag);
    CHECK(std::abs(mean(product).item()) < 5 / std::sqrt(n));
  }
  // 68.27 % within one deviation
  const double within = mean(cast(abs(s) < 1, DType::f64)).item();
  CHECK(std::abs(within - 0.6827) < 5 * std::sqrt(0.6827 * 0.3173 / n));
}

TEST_CASE("normal numbers are Box and Muller's, to a few ulp of f64") {
  double worst = 0;
  const auto check = [&](std::uint32_t u, std::uint32_t v) {
    const long double radius =
        std::sqrt(-2 * std::log(1 - static_cast<long double>(to_uniform(u))));
    const long double angle = 2 * std::numbers::pi_v<long double> * to_uniform(v);
    const auto [a, b] = box_muller::pair(u, v);
    const double scale = 1 + static_cast<double>(radius);
    worst = std::max(worst, std::abs(a - static_cast<double>(radius * std::cos(angle))) / scale);
    worst = std::max(worst, std::abs(b - static_cast<double>(radius * std::sin(angle))) / scale);
  };
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    const Block bits = philox(3, 4, i);
    check(bits[0], bits[1]);
  }
  const std::uint32_t edges[] = {0u,       1u << 8,  1u << 29, 1u << 30,
                                 3u << 29, 1u << 31, 3u << 30, ~0u};
  for (const std::uint32_t u : edges) {
    for (const std::uint32_t v : edges) check(u, v);
  }
  CHECK(worst < 4e-16);
  CHECK(box_muller::pair(0, 77) == std::array<double, 2>{0, 0});  // u = 0: the radius is 0
  CHECK(normal({0}).numel() == 0);
  // The same on a backend without a kernel, in parts whose length is no multiple of its blocks.
  for (const DType dtype : {DType::f32, DType::f64}) {
    const auto numbers = [&](const std::string& on) {
      manual_seed(11);
      return normal({1031}, 3, 0.1, {dtype, &backend(on)}).to_vector<double>();
    };
    CHECK(numbers("cpu") == numbers("reference"));
  }
}

TEST_CASE("dropout keeps 1 - p of the elements, scaled, and drops the same from the gradient") {
  manual_seed(9);
  for (const std::string on : {"reference", "cpu"}) {
    Tensor x = ones({100'000}, {DType::f32, &backend(on)}).set_requires_grad();
    const Tensor y = dropout(x, 0.25);
    const Values values = y.to_vector<double>();
    const auto kept = static_cast<double>(
        values.size() - static_cast<std::size_t>(std::count(values.begin(), values.end(), 0)));
    CHECK(std::abs(kept / 1e5 - 0.75) < 5 * std::sqrt(0.75 * 0.25 / 1e5));
    CHECK(*std::max_element(values.begin(), values.end()) == doctest::Approx(4.0 / 3));
    sum(y).backward();
    CHECK(x.grad().to_vector<double>() == values);  // x is 1: y and dy/dx are the same numbers
    CHECK(dropout(x, 0.25, /*training=*/false).to_vector<double>() == Values(100'000, 1.0));
  }
}

TEST_CASE("random tensors are f32 or f64") {
  CHECK(uniform({2}, 0, 1, {DType::f64}).dtype() == DType::f64);
  CHECK_THROWS_AS(uniform({2}, 0, 1, {DType::i32}), DTypeError);
  CHECK_THROWS_AS(normal({2}, 0, 1, {DType::boolean}), DTypeError);
}

TEST_CASE(
    "random whole numbers: in range, evenly, the same on every backend and with any threads") {
  const int before = num_threads();
  std::vector<std::int32_t> expected;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    for (const std::string on : {"reference", "cpu"}) {
      manual_seed(3);
      Backend& there = backend(on);
      const Tensor p = full({9, 997}, 0.25, {.backend = &there});
      const Tensor all = concat(
          {flatten(randint(-3, 4, {20'000}, &there)), randperm(500, &there), flatten(bernoulli(p)),
           flatten(multinomial(p, 30)), flatten(multinomial(p, 1000, true))},
          0);
      CHECK(all.dtype() == DType::i32);
      if (expected.empty()) expected = all.to_vector<std::int32_t>();
      CHECK(all.to_vector<std::int32_t>() == expected);
    }
  }
  set_num_threads(before);
  // Each of 7 numbers with probability 1/7: 5 deviations of sqrt(n p (1 - p)).
  const auto drawn = std::span(expected).first(20'000);
  for (int number = -3; number < 4; ++number) {
    const auto times = static_cast<double>(std::count(drawn.begin(), drawn.end(), number));
    CHECK(std::abs(times - 20'000. / 7) < 5 * std::sqrt(20'000 * 6. / 49));
  }
  std::vector<std::int32_t> order(expected.begin() + 20'000, expected.begin() + 20'500);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int32_t i = 0; i < 500; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(randint(5, 6, {3}).to_vector<std::int32_t>() == std::vector<std::int32_t>{5, 5, 5});
  const std::int64_t end = std::int64_t{1} << 31;
  CHECK(min(randint(-end, end, {100})).item() < 0);
  CHECK(max(randint(-end, end, {100})).item() > 0);
}

TEST_CASE("bernoulli and multinomial draw in proportion") {
  manual_seed(4);
  CHECK(bernoulli(tensor({0, 1})).to_vector<double>() == Values{0, 1});
  constexpr int n = 50'000;
  const double mean_of_ones = mean(bernoulli(full({n}, 0.3))).item();
  CHECK(std::abs(mean_of_ones - 0.3) < 5 * std::sqrt(0.3 * 0.7 / n));
  // Weights 1, 0, 3 of two rows, the second turned around.
  const Tensor weights = tensor({{1, 0, 3}, {3, 0, 1}});
  const Tensor again = multinomial(weights, n, /*replacement=*/true);
  CHECK(again.shape() == Shape{2, n});
  const Tensor share = mean(again == 2, 1);  // [2]: 3/4 and 1/4
  CHECK(std::abs(share.to_vector<double>()[0] - 0.75) < 5 * std::sqrt(0.75 * 0.25 / n));
  CHECK(std::abs(share.to_vector<double>()[1] - 0.25) < 5 * std::sqrt(0.75 * 0.25 / n));
  CHECK_FALSE(any(again == 1).item() != 0);
  // Without replacement both come, and the first is drawn by weight.
  const Tensor once = multinomial(expand(tensor({1, 0, 3}), {n, 3}), 2);
  CHECK(all(sum(once, 1) == 2).item() == 1);
  CHECK(std::abs(mean(select(once, 1, 0) == 2).item() - 0.75) < 5 * std::sqrt(0.75 * 0.25 / n));
  CHECK(multinomial(tensor({0, 5}), 4, true).to_vector<double>() == Values{1, 1, 1, 1});
}

TEST_CASE("multinomial draws by weights near the ends of f64") {
  const TensorOptions f64{DType::f64};
  for (int i = 0; i < 5; ++i) {
    CHECK(multinomial(tensor({0, 1e-310}, f64), 1, false).item() == 1);
  }
  const Tensor drawn = multinomial(tensor({1.7e308, 1.7e308, 0}, f64), 200, true);
  CHECK(max(drawn).item() == 1);
  CHECK(min(drawn).item() == 0);
}

TEST_CASE("what no number can be drawn from is refused") {
  REFUSES(Error, randint(3, 3, {2}), "[randint] there is no i32 in [3, 3)");
  REFUSES(Error, randint(0, std::int64_t{1} << 32, {2}),
          "[randint] there is no i32 in [0, 4294967296)");
  REFUSES(ShapeError, randperm(std::int64_t{1} << 40),
          "[randperm] 1099511627776 numbers do not fit i32");
  REFUSES(Error, bernoulli(tensor({0.5, 1.5})), "[bernoulli] the probability 1.5 is not in [0, 1]");
  REFUSES(ShapeError, multinomial(ones({3}), 0),
          "[multinomial] 0 of [3]: probabilities are [classes] or [n, classes], and at least 1 is "
          "drawn");
  REFUSES(
      Error, multinomial(tensor({{1, 2}, {-1, 2}}), 1),
      "[multinomial] -1 (class 0 of row 1) is not a probability: it must be at least 0 and finite");
  REFUSES(Error, multinomial(tensor({1, 0}), 2),
          "[multinomial] of row 0 only 1 classes can be drawn, not 2; draw with replacement, or "
          "fewer");
  CHECK_THROWS_AS(multinomial(zeros({2}), 1, true), Error);
  REFUSES(Error, uniform({2}, 1, 0), "[uniform] there is no number in [1, 0)");
  CHECK_THROWS_AS(uniform({2}, 0, std::nan("")), Error);
  REFUSES(Error, normal({2}, 0, -1),
          "[normal] mean 0 and deviation -1: both must be finite, the deviation at least 0");
  CHECK_THROWS_AS(normal({2}, kInfinity, 1), Error);
}
