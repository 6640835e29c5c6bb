// Reductions of whole numbers and truth values, corners of the others, rounding and closeness, by hand.
// (Gradients, layouts and backends are the op table's.)

#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {
Values values(const Tensor& x) { return x.to_vector<double>(); }
Tensor whole(const NestedValues& numbers) { return tensor(numbers, {.dtype = DType::i32}); }
Tensor truth(const NestedValues& numbers) { return tensor(numbers, {.dtype = DType::boolean}); }
const double kNan = std::nan("");
}  // namespace

TEST_CASE("sums of whole numbers are whole and exact") {
  for (const std::string on : {"reference", "cpu"}) {
    const Tensor x = to(whole({{7, -2, 3}, {1, 2, 16777217}}), {.backend = &backend(on)});
    CHECK(sum(x).dtype() == DType::i32);
    CHECK(sum(x).item() == 16777228);  // in f32 the last digit would go: 2^24 + 1
    CHECK(values(sum(x, 0)) == Values{8, 0, 16777220});
    CHECK(max(x, 1).dtype() == DType::i32);
    CHECK(values(max(x, 1)) == Values{7, 16777217});
    CHECK(values(min(x, 1)) == Values{-2, 1});
    CHECK(mean(x, 1).dtype() == DType::f32);
    CHECK(values(mean(slice(x, 1, 0, 2), 1)) == Values{2.5, 1.5});
    CHECK(values(argmax(x, 1)) == Values{0, 2});
    CHECK(values(argmin(x, 1)) == Values{1, 0});
    const Tensor m = x > 1;  // true, false, true; false, true, true
    CHECK(sum(m).dtype() == DType::i32);
    CHECK(values(sum(m, 1)) == Values{2, 2});
    CHECK(mean(m).item() == static_cast<double>(4.0f / 6));
    CHECK(values(max(m, 0)) == Values{1, 1, 1});
    CHECK(values(min(m, 0)) == Values{0, 0, 1});
  }
  CHECK(sum(whole({2147483647, -2})).item() == 2147483645);
  CHECK(argmin(whole({3, -2147483648.0})).item() == 1);  // -x would not fit i32
  REFUSES(DTypeError, sum(whole({2147483647, 1})),
          "[sum] 2147483648 does not fit i32, the type of whole numbers; use f64");
  REFUSES(ShapeError, max(zeros({0}, {.dtype = DType::i32})),
          "[max] of no elements is not defined: x [0]");
}

TEST_CASE("logsumexp of nothing is the logarithm of 0") {
  Tensor x = zeros({2, 0}).set_requires_grad();
  CHECK(values(logsumexp(x, 1)) == Values{-kInfinity, -kInfinity});
  CHECK(logsumexp(x, 0).shape() == Shape{0});
  logsumexp(x).backward();
  CHECK(x.grad().shape() == Shape{2, 0});
}

TEST_CASE("any and all: of nothing none is true, and all are") {
  const Tensor x = truth({{1, 0}, {1, 1}});
  CHECK(any(x).dtype() == DType::boolean);
  CHECK(values(any(x, 0)) == Values{1, 1});
  CHECK(values(all(x, 0)) == Values{1, 0});
  CHECK(all(x, 1, true).shape() == Shape{2, 1});
  CHECK(any(zeros({0}, {.dtype = DType::boolean})).item() == 0);
  CHECK(all(zeros({0}, {.dtype = DType::boolean})).item() == 1);
  REFUSES(DTypeError, any(ones({2})),
          "[any] is defined for boolean, got f32 [2] on cpu; compare, as in x != 0");
  CHECK_THROWS_AS(all(whole({1})), DTypeError);
  CHECK(values(!x || (x && tensor({0, 1}) > 0)) == Values{0, 1, 0, 1});
}

TEST_CASE("norm, stddev and prod where a plain formula divides by zero") {
  const Tensor x = tensor({3, 4}, {.dtype = DType::f64});
  CHECK(norm(x).item() == 5);
  CHECK(stddev(x).item() == doctest::Approx(std::sqrt(0.5)));  // (1/4 + 1/4) / (2 - 1)
  CHECK(stddev(x, {}, false, 0).item() == 0.5);
  Tensor zero = zeros({2, 2}).set_requires_grad();
  CHECK(values(grad({sum(norm(zero, 1))}, {zero})[0]) == Values(4, 0.0));
  CHECK(values(grad({sum(stddev(zero, 1))}, {zero})[0]) == Values(4, 0.0));
  REFUSES(ShapeError, stddev(ones({2, 1}), 1),
          "[stddev] [2, 1] with correction 1 leaves nothing to divide by");
  // d(abc)/da = bc: without a division by a.
  Tensor factors = tensor({0, 2, 5}).set_requires_grad();
  CHECK(prod(factors).item() == 0);
  CHECK(values(grad({prod(factors)}, {factors})[0]) == Values{10, 0, 0});
  Tensor zeros_two = tensor({0, 0, 5}).set_requires_grad();
  CHECK(values(grad({prod(zeros_two)}, {zeros_two})[0]) == Values{0, 0, 0});
  Tensor none = zeros({0}).set_requires_grad();
  CHECK(prod(none).item() == 1);
  prod(none).backward();
  CHECK(none.grad().shape() == Shape{0});
}

TEST_CASE("argmin: the first of the least, NaN before all") {
  CHECK(argmin(tensor({2, 1, 1})).item() == 1);
  CHECK(argmin(tensor({2, kNan, 1})).item() == 1);
}

TEST_CASE("floor, ceil and round, halves to the even neighbour") {
  const Values in{-2.5, -1.5, -0.5, -0.4, 0, 0.5, 1.5, 2.5, 2.6, -kInfinity};
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::string on : {"reference", "cpu"}) {
      const Tensor x = cast(from_vector(in, {10}, &backend(on)), dtype);
      CHECK(values(floor(x)) == Values{-3, -2, -1, -1, 0, 0, 1, 2, 2, -kInfinity});
      CHECK(values(ceil(x)) == Values{-2, -1, 0, 0, 0, 1, 2, 3, 3, -kInfinity});
      CHECK(values(round(x)) == Values{-2, -2, 0, 0, 0, 0, 2, 2, 3, -kInfinity});
    }
  }
  // 0.5 - 2^-25: adding 1/2 would round to 1. 2^23 + 1 and 2^24 - 1 are whole.
  CHECK(values(round(tensor({0.49999997, 8388609, 16777215}))) == Values{0, 8388609, 16777215});
  CHECK(std::isnan(round(tensor(kNan)).item()));
}

TEST_CASE("functions that step have the gradient zero, and that one has too") {
  using Function = Tensor (*)(const Tensor&);
  for (const Function f : {Function(sign), Function(floor), Function(ceil), Function(round)}) {
    Tensor x = tensor({-1.3, 0.6}).set_requires_grad();
    sum(f(x)).backward();
    CHECK(values(x.grad()) == Values{0, 0});
    // d(x^2 f(x))/dx = 2 x f(x), whose own gradient is 2 f(x)
    const Tensor slope = grad({sum(square(x) * f(x))}, {x}, {.create_graph = true})[0];
    CHECK(allclose(slope, 2 * x * f(x)));
    CHECK(allclose(grad({sum(slope)}, {x})[0], 2 * f(x)));
  }
}

TEST_CASE("isnan, isfinite and allclose") {
  const Tensor x = tensor({1, kNan, kInfinity, -kInfinity});
  CHECK(values(isnan(x)) == Values{0, 1, 0, 0});
  CHECK(values(isfinite(x)) == Values{1, 0, 0, 0});
  CHECK(values(isfinite(whole({2, 0}))) == Values{1, 1});
  CHECK(allclose(tensor({1, 0}), tensor({1.000009, 1e-9})));
  CHECK_FALSE(allclose(tensor({1.0}), tensor({1.00002})));
  CHECK(allclose(tensor({1.0}), tensor({1.1}), 0, 0.2));
  CHECK(allclose(tensor({kInfinity}), tensor({kInfinity})));
  CHECK_FALSE(allclose(tensor({1}), tensor({kInfinity})));
  CHECK_FALSE(allclose(tensor({kNan}), tensor({kNan})));
  CHECK(allclose(whole({1, 2}), whole({1, 2})));
  CHECK(allclose(zeros({0}), zeros({0})));
  REFUSES(ShapeError, allclose(ones({2, 1}), ones({2})),
          "[allclose] shapes differ: a [2, 1], b [2]; use expand()");
  CHECK_THROWS_AS(allclose(ones({1}), whole({1})), DTypeError);
}

TEST_CASE("cumsum keeps its digits, and whole numbers whole") {
  const Tensor thirds = full({100000}, 1.0 / 3);
  CHECK(std::abs(cumsum(thirds, 0)[99999].item() / (100000 * double{1.0F / 3}) - 1) < 1e-7);
  CHECK(cumsum(from_vector(std::vector<std::int32_t>{1, 2, 3}), 0).to_vector<std::int32_t>() ==
        std::vector<std::int32_t>{1, 3, 6});
  REFUSES(DTypeError, cumsum(full({2}, 0x7fffffff, {.dtype = DType::i32}), 0),
          "[cumsum] 4294967294 does not fit i32, the type of whole numbers; use f64");
  CHECK(cumsum(tensor({{1, 2}, {3, 4}}), 0).to_vector<double>() == std::vector<double>{1, 2, 4, 6});
  CHECK(cumsum(zeros({0, 3}), 1).shape() == Shape{0, 3});
}

TEST_CASE("prod of nothing to multiply is recorded no more than other products") {
  const Tensor x = tensor({2}).set_requires_grad();
  NoGrad off;
  CHECK(!prod(x, {0}, true).requires_grad());
}
