#include "autograd/gradcheck.h"

#include <doctest/doctest.h>

#include "autograd/node.h"
#include "gradus.h"

using namespace gradus;

namespace {

constexpr DType f64 = DType::f64;
using In = const std::vector<Tensor>&;

// x^2 that believes dy/dx = x: what gradcheck is for.
Tensor wrong_square(const Tensor& x) {
  return record("wrong_square", x.detach() * x.detach(),
                edge(x, [x](const Tensor& g) { return g * x; }));
}

// x^3 with a right first gradient 3x^2 that hides its own from the graph.
Tensor shy_cube(const Tensor& x) {
  return record("shy_cube", x.detach() * x.detach() * x.detach(),
                edge(x, [x](const Tensor& g) { return g * 3 * x.detach() * x.detach(); }));
}

}  // namespace

TEST_CASE("right gradients pass, with a count") {
  const Tensor a = tensor({{1, 2}, {3, 4}}, {f64}), b = tensor({0.5, -1}, {f64});
  const auto report = gradcheck([](In x) { return tanh(x[0]) * x[1]; }, {a, b});
  CHECK(report.ok);
  CHECK(report.text.find("gradcheck: 6 elements agree, the largest difference is") == 0);
  CHECK(gradgradcheck([](In x) { return tanh(x[0]) * x[1]; }, {a, b}).ok);
}

TEST_CASE("a wrong gradient is shown by input and element, with all numbers") {
  const Tensor x = tensor({{1, 2}, {0, 4}}, {f64});
  const auto report =
      gradcheck([](In in) { return in[0] + sum(wrong_square(in[1])); }, {tensor(1.0, {f64}), x});
  CHECK_FALSE(report.ok);
  CHECK(report.text.find("gradcheck: 3 of 5 elements differ\n") == 0);  // 0 is right by chance
  CHECK(report.text.find("input 1 [2, 2], element [1, 1]: autograd ") != std::string::npos);
  CHECK(report.text.find("(atol 1e-05 + rtol 0.001 * |numeric|)") != std::string::npos);
  CHECK(report.text.find("input 0") == std::string::npos);
  CHECK(report.text.find("element [1, 0]") == std::string::npos);
}

TEST_CASE("long reports stop after ten lines") {
  const auto report = gradcheck([](In in) { return wrong_square(in[0]); }, {ones({50}, {f64})});
  CHECK(report.text.find("50 of 50 elements differ") != std::string::npos);
  CHECK(report.text.find("and 40 more") != std::string::npos);
}

TEST_CASE("gradgradcheck finds a second gradient that is not there") {
  const Tensor x = tensor({1, 2}, {f64});
  CHECK(gradcheck([](In in) { return shy_cube(in[0]); }, {x}).ok);
  CHECK_FALSE(gradgradcheck([](In in) { return shy_cube(in[0]); }, {x}).ok);
}

TEST_CASE("NaN is a difference") {
  const auto report = gradcheck([](In in) { return log(in[0]); }, {tensor({-1}, {f64})});
  CHECK_FALSE(report.ok);
}

TEST_CASE("an infinite difference says nothing") {
  const TensorFunction f = [](In in) { return where(in[0].detach() > 1, kInfinity, in[0] * 3); };
  CHECK_FALSE(gradcheck(f, {tensor({1}, {f64})}).ok);
}

TEST_CASE("f32 is refused, in and out") {
  CHECK_THROWS_WITH_AS(gradcheck([](In x) { return x[0]; }, {ones({2})}),
                       doctest::Contains("input 0 is f32 [2]"), DTypeError);
  CHECK_THROWS_AS(gradgradcheck([](In x) { return x[0]; }, {ones({2})}), DTypeError);
  CHECK_THROWS_WITH_AS(gradcheck([](In x) { return cast(x[0], DType::f32); }, {ones({2}, {f64})}),
                       doctest::Contains("must give f64"), DTypeError);
}

TEST_CASE("parameters of a module are moved where they are, and put back") {
  nn::Linear layer(3, 2);
  layer.to({.dtype = f64});
  const auto values = [&] {
    const std::vector<double> bias = layer.bias.to_vector<double>();
    std::vector<double> all = layer.weight.to_vector<double>();
    all.insert(all.end(), bias.begin(), bias.end());
    return all;
  };
  const std::vector<double> before = values();
  const Tensor x = tensor({{1, -2, 0.5}, {3, 1, -1}}, {f64});
  const TensorFunction f = [&](In) { return tanh(layer(x)); };
  const auto report = gradcheck(f, layer.parameters());
  CHECK_MESSAGE(report.ok, report.text);
  CHECK(report.text.find("8 elements agree") != std::string::npos);
  CHECK(gradgradcheck(f, layer.parameters()).ok);
  CHECK(
      gradcheck([&](In in) { return tanh(linear(x, in[0], layer.bias)); }, layer.parameters()).ok);
  CHECK_FALSE(gradcheck([&](In) { return wrong_square(layer(x)); }, layer.parameters()).ok);
  CHECK(values() == before);
  int calls = 0;
  const TensorFunction fails = [&](In in) {
    return ++calls < 4 ? f(in) : throw Error("[f] no more");
  };
  CHECK_THROWS_WITH_AS(gradcheck(fails, layer.parameters()), "[f] no more", Error);
  CHECK(values() == before);
  CHECK_FALSE(layer.weight.grad().defined());
}

TEST_CASE("leaves that cannot be written into, and tensors that are no leaves, are copied") {
  const Tensor one = ones({}, {f64});
  const Tensor same = expand(one, {3}).set_requires_grad();
  const Tensor plain = tensor({1, 2, 3}, {f64}), computed = same * 2;
  const std::vector<Tensor> inputs{same, plain, computed};
  CHECK(gradcheck([](In in) { return exp(in[0] * in[1]) / in[2]; }, inputs).ok);
  CHECK(gradgradcheck([](In in) { return exp(in[0] * in[1]) / in[2]; }, inputs).ok);
  CHECK(one.item() == 1);
  CHECK(plain.to_vector<double>() == std::vector<double>{1, 2, 3});
}

TEST_CASE("a gradient that is missing altogether is a difference; one that is zero is right") {
  const Tensor x = tensor({0.3, 1.6}, {f64});
  const auto report = gradcheck([](In in) { return in[0].detach() * 3; }, {x});
  CHECK(report.text.find("2 of 2 elements differ") != std::string::npos);
  CHECK(gradcheck([](In in) { return round(in[0]); }, {x}).ok);
  CHECK(gradgradcheck([](In in) { return round(in[0]); }, {x}).ok);
  CHECK(gradcheck([](In in) { return sum(in[0]); }, {zeros({0}, {f64})}).ok);
}

TEST_CASE("row-sparse gradients, index inputs and functions that ignore an input") {
  const Tensor table = tensor({{1, 2}, {3, 4}, {5, 6}}, {f64});
  const Tensor rows = from_vector<std::int32_t>({2, 0, 2, -1}, {4});
  const TensorFunction f = [](In x) { return square(gather(x[0], x[1])); };
  CHECK(gradcheck(f, {table, rows, ones({2}, {f64})}).ok);
  CHECK(gradgradcheck(f, {table, rows}).ok);
}

TEST_CASE("random functions see the same numbers in every call, and the state is put back") {
  manual_seed(3);
  uniform({1});
  const RandomState before = random_state();
  const TensorFunction f = [](In x) { return dropout(square(x[0]), 0.5) + dropout(x[0], 0.3); };
  const Tensor x = ones({4, 4}, {f64});
  CHECK(gradcheck(f, {x}).ok);
  CHECK(gradgradcheck(f, {x}).ok);
  CHECK(random_state().seed == before.seed);
  CHECK(random_state().next_stream == before.next_stream);
}

TEST_CASE("inputs that require gradients already keep theirs") {
  Tensor x = tensor({1, 2}, {f64}).set_requires_grad();
  const Tensor y = x * x;
  CHECK(gradcheck([](In in) { return exp(in[0]); }, {y}).ok);
  CHECK_FALSE(x.grad().defined());
  sum(y).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{2, 4});
}
