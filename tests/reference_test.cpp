// The reference backend is what others are compared with; here it is compared with numbers worked
// out by hand. (That its functions are the right ones, golden_test.cpp shows.)

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/compute.h"
#include "gradus.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {

const double kNaN = std::nan("");

Tensor on_reference(const NestedValues& values, DType dtype = DType::f64) {
  return tensor(values, {dtype, &backend("reference")});
}
Tensor rows(std::vector<std::int32_t> list) {
  const auto n = static_cast<std::int64_t>(list.size());
  return from_vector(list, {n}, &backend("reference"));
}
Values values(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("reduce: each axis, ties, NaN, nothing") {
  const Tensor x = on_reference({{1, 5, 3}, {5, 2, 5}});
  CHECK(values(sum(x, 0)) == Values{6, 7, 8});
  CHECK(values(sum(x, 1)) == Values{9, 12});
  CHECK(values(max(x, 0)) == Values{5, 5, 5});
  CHECK(values(min(x, 1)) == Values{1, 2});
  CHECK(values(argmax(x, 1)) == Values{1, 0});  // the first of the largest
  CHECK(values(argmax(x, 0)) == Values{1, 0, 1});
  const Tensor broken = on_reference({{1, kNaN, 3}, {kNaN, -kInfinity, kInfinity}});
  CHECK(std::isnan(max(broken, 1).to_vector<double>()[0]));
  CHECK(std::isnan(min(broken, 1).to_vector<double>()[1]));
  CHECK(values(argmax(broken, 1)) == Values{1, 0});  // NaN counts as the largest
  CHECK(values(argmax(on_reference({-kInfinity, -kInfinity}))) == Values{0});
  CHECK(values(sum(zeros({0, 2}, {DType::f64, &backend("reference")}), 0)) == Values{0, 0});
  const Tensor nothing = zeros({0, 2}), lowest = empty({1, 2});
  backend("reference").reduce(ReduceOp::max, nothing.view(), lowest.view());
  CHECK(values(lowest) == Values{-kInfinity, -kInfinity});
}

TEST_CASE("sums are exact to f32 however many numbers there are") {
  // 1 + 2^-24 a thousand times: added in f32, each small number would be lost.
  Values numbers(1001, 0x1p-24);
  numbers[0] = 1;
  const Tensor x = cast(from_vector(numbers, {1001}, &backend("reference")), DType::f32);
  CHECK(sum(x).item() == double{static_cast<float>(1 + 1000 * 0x1p-24)});
}

TEST_CASE("matmul by hand, and over no columns") {
  const Tensor a = on_reference({{1, 2}, {3, 4}}), b = on_reference({{5, 6}, {7, 8}});
  CHECK(values(matmul(a, b)) == Values{19, 22, 43, 50});
  CHECK(values(matmul(transpose(a), b)) == Values{26, 30, 38, 44});
  CHECK(values(matmul(slice(a, 1, 0, 0), slice(b, 0, 0, 0))) == Values(4, 0.0));
  const Tensor two = stack({a, b});  // [2, 2, 2] times one [2, 2]
  CHECK(values(matmul(two, b)) == Values{19, 22, 43, 50, 67, 78, 91, 106});
}

TEST_CASE("gather and scatter: -1 is no row, repeats add in order or overwrite") {
  const Tensor table = on_reference({{1, 2}, {3, 4}, {5, 6}});
  CHECK(values(gather(table, rows({2, -1, 0}))) == Values{5, 6, 0, 0, 1, 2});
  CHECK(values(scatter_add(table, rows({1, -1, 1}), 2)) == Values{0, 0, 6, 8});
  Tensor target = zeros({2, 2}, {DType::f64, &backend("reference")});
  compute::assign_rows(target, rows({0, -1, 0}), table);
  CHECK(values(target) == Values{5, 6, 0, 0});  // the last one stays
}

TEST_CASE("elementwise corners") {
  const Tensor x = on_reference({-2.5, 0, 2.5, kNaN});
  const auto finite = [](const Tensor& t) { return values(slice(t, 0, 0, 3)); };
  CHECK(finite(sign(x)) == Values{-1, 0, 1});
  CHECK(finite(relu(x)) == Values{0, 0, 2.5});
  CHECK(finite(abs(x)) == Values{2.5, 0, 2.5});
  CHECK(finite(clamp(x, -1, 2)) == Values{-1, 0, 2});
  for (const Tensor& y : {sign(x), relu(x), abs(x), clamp(x, -1, 1), maximum(x, 0), minimum(0, x),
                          sigmoid(x), gelu(x)}) {
    CHECK(std::isnan(values(y)[3]));
  }
  CHECK(values(cast(x, DType::boolean)) == Values{1, 0, 1, 1});
  CHECK(values(cast(slice(x, 0, 0, 3), DType::i32)) == Values{-2, 0, 2});
  CHECK(values(x == x) == Values{1, 1, 1, 0});
  CHECK(values(x != x) == Values{0, 0, 0, 1});
  CHECK(values(logical_or(x > 0, logical_not(x <= 0))) == Values{0, 0, 1, 1});
}

TEST_CASE("gradients at kinks and ties are what ops.h promises") {
  Tensor x = on_reference({1, 3, 3}).set_requires_grad();
  CHECK(values(grad({max(x)}, {x})[0]) == Values{0, 0.5, 0.5});
  CHECK(values(grad({sum(maximum(x, 3))}, {x})[0]) == Values{0, 0.5, 0.5});
  CHECK(values(grad({sum(clamp(x, 1, 2))}, {x})[0]) == Values{1, 0, 0});  // passes at the edge
  Tensor zero = on_reference({0}).set_requires_grad();
  CHECK(values(grad({relu(zero)}, {zero})[0]) == Values{0});
  CHECK(values(grad({abs(zero)}, {zero})[0]) == Values{0});
  CHECK(values(grad({pow(zero, 1)}, {zero})[0]) == Values{1});
  CHECK(values(grad({pow(zero, 0)}, {zero})[0]) == Values{0});
  CHECK(values(grad({pow(zero, 2)}, {zero})[0]) == Values{0});
  Tensor exponent = on_reference({2}).set_requires_grad();
  CHECK(values(grad({pow(0, exponent)}, {exponent})[0]) == Values{0});
}
