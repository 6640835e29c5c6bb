// Layers for images, and batch normalisation. (The operations' numbers are compared with PyTorch's in
// golden_test.cpp.)
#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {
using Values = std::vector<double>;
Values values(const Tensor& x) { return x.to_vector<double>(); }
}  // namespace

TEST_CASE("Conv2d adds up windows") {
  nn::Conv2d conv(1, 1, {2, 1}, {.stride = {1, 2}, .padding = {0, 1}});
  conv.weight.assign(reshape(tensor({1, 10}), {1, 1, 2, 1}));
  conv.bias.assign(tensor({0.5}));
  // Columns -1 (padding), 1 and 3 (padding) of x, each number plus ten times the one below.
  const Tensor x = reshape(tensor({{1, 2, 3}, {4, 5, 6}}), {1, 1, 2, 3});
  CHECK(values(conv(x)) == Values{0.5, 52.5, 0.5});
  CHECK(conv(x).shape() == Shape{1, 1, 1, 3});
  CHECK(to_string(conv).find("1 -> 1, size 2 x 1, stride 1 x 2, padding 0 x 1") !=
        std::string::npos);
  CHECK(nn::Conv2d(3, 8, 3, {.bias = false}).parameters().size() == 1);
  CHECK(
      message_of<ShapeError>([&] {
        conv(ones({1, 2, 3, 3}));
      }) ==
      "Conv2d: [conv2d] x [1, 2, 3, 3] must be [batch, in, height, width] and weight [1, 1, 2, 1] "
      "[out, in, rows, columns] with the same in");
  CHECK_THROWS_AS(conv(ones({1, 1, 1, 3})), ShapeError);  // lower than a window
  CHECK_THROWS_AS(nn::Conv2d(1, 1, {0, 3}), ShapeError);
  CHECK_THROWS_AS(nn::Conv2d(1, 1, 3, {.padding = {0, -1}}), ShapeError);
}

TEST_CASE("pools over images") {
  const Tensor x = reshape(arange(16), {1, 4, 4});
  CHECK(values(nn::MaxPool2d(2)(x)) == Values{5, 7, 13, 15});
  CHECK(values(nn::AvgPool2d({1, 4})(x)) == Values{1.5, 5.5, 9.5, 13.5});
  CHECK(values(nn::MaxPool2d({4, 2}, {.stride = {4, 1}})(x)) == Values{13, 14, 15});
  CHECK_THROWS_AS(nn::MaxPool2d(2)(ones({4})), ShapeError);
  CHECK_THROWS_AS(nn::AvgPool2d({0, 1}), ShapeError);
}

TEST_CASE("BatchNorm follows the batches in training and stands still in evaluation") {
  nn::BatchNorm1d norm(2, {.epsilon = 0, .momentum = 0.25});
  const Tensor x = tensor({{1, 10}, {3, 10}, {5, 16}});
  // Means 3 and 12, squares off them 4 0 4 and 4 4 16: variances 8 / 3 and 8, unbiased 4 and 12.
  const Tensor y = norm(x);
  CHECK(std::abs(sum(y).item()) < 1e-6);
  CHECK(sum(square(y)).item() == doctest::Approx(6));
  CHECK(values(norm.running_mean) == Values{0.75, 3});
  CHECK(values(norm.running_var) == Values{1.75, 3.75});  // 1 + (4 - 1) / 4, 1 + (12 - 1) / 4
  norm.eval();
  norm.running_mean.assign(tensor({1, 10}));
  norm.running_var.assign(tensor({4, 9}));
  norm.bias.assign(tensor({0.5, 0}));
  CHECK(values(norm(x)) == Values{0.5, 0, 1.5, 0, 2.5, 2});
  CHECK(values(norm.running_mean) == Values{1, 10});
  CHECK(norm(ones({1, 2})).shape() == Shape{1, 2});
}

TEST_CASE("BatchNorm2d normalises each channel, and saves what it follows") {
  nn::BatchNorm2d norm(2);
  const Tensor y = norm(normal({4, 2, 3, 3}) * 5 + 2);
  CHECK(max(abs(mean(y, {0, 2, 3}))).item() < 1e-5);
  CHECK(max(abs(var(y, {0, 2, 3}, false, 0) - 1)).item() < 1e-4);
  std::vector<std::string> names;
  for (const auto& named : norm.state()) names.push_back(named.first);
  CHECK(names == std::vector<std::string>{"weight", "bias", "running_mean", "running_var"});
  CHECK(norm.parameters().size() == 2);
  const nn::BatchNorm2d own = nn::clone(norm);
  norm(ones({2, 2, 1, 1}));
  CHECK(values(own.running_mean) != values(norm.running_mean));
  CHECK(nn::BatchNorm2d(2, {.affine = false}).parameters().empty());
  CHECK(message_of<ShapeError>([&] {
          norm(ones({2, 2}));
        }) == "BatchNorm2d: input [2, 2] must have 2 channels at axis 1 of 4 axes");
  CHECK(message_of<ShapeError>([] {
          nn::BatchNorm1d(3)(ones({1, 3}));
        }) == "BatchNorm1d: [batch_norm] in training each channel needs two numbers, got [1, 3]");
  CHECK_THROWS_AS(nn::BatchNorm1d(3)(ones({2, 3, 1, 1})), ShapeError);
}
