#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"

using namespace gradus;

namespace {
Tensor labels(const NestedValues& values) { return tensor(values, {.dtype = DType::i32}); }
const TensorOptions kDouble{.dtype = DType::f64};
}  // namespace

TEST_CASE("cross_entropy is the mean of -log softmax at the label") {
  // Even logits over two classes: log 2; its gradient is (softmax - one_hot) / n.
  Tensor logits = zeros({2, 2}, kDouble).set_requires_grad();
  const Tensor loss = nn::cross_entropy(logits, labels({0, 1}));
  CHECK(loss.item() == doctest::Approx(std::log(2)));
  loss.backward();
  CHECK(logits.grad().to_vector<double>() == std::vector<double>{-0.25, 0.25, 0.25, -0.25});
}

TEST_CASE("cross_entropy with class weights gives PyTorch's numbers") {
  // logits sin(1..6) / 2, labels 2 and 0, weights 1, 2, 3
  Tensor logits = reshape(sin(arange(6, kDouble) + 1) / 2, {2, 3}).detach().set_requires_grad();
  CHECK(nn::cross_entropy(logits, labels({2, 0})).item() == doctest::Approx(1.2563074));
  const Tensor loss =
      nn::cross_entropy(logits, labels({2, 0}), {.weight = tensor({1, 2, 3}, kDouble)});
  CHECK(loss.item() == doctest::Approx(1.3070487));
  loss.backward();
  const std::vector<double> expected{0.2738166,  0.2832619, -0.5570785,
                                     -0.1712218, 0.0712059, 0.1000159};
  const std::vector<double> found = logits.grad().to_vector<double>();
  for (std::size_t i = 0; i < 6; ++i) CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

TEST_CASE("cross_entropy leaves out rows of ignore_index, padding, in mean, weights and gradient") {
  // Even logits over two classes: log 2, the mean over two rows, whatever is in the third.
  Tensor logits = tensor({{0, 0}, {0, 0}, {9, -9}}, kDouble).set_requires_grad();
  const Tensor loss = nn::cross_entropy(logits, labels({0, 1, -100}));
  CHECK(loss.item() == doctest::Approx(std::log(2)));
  loss.backward();
  CHECK(logits.grad().to_vector<double>() == std::vector<double>{-0.25, 0.25, 0.25, -0.25, 0, 0});
  // Rows 1 and 2 of labels 1, 0, 0 without 1, with weights 2 and 3, half of each label spread evenly:
  // (2 log 2 / 2 + (2 + 3) log 2 / 4 + 2 e / 2 + (2 e + 3 (18 + e)) / 4) / (2 + 2), e = log(1 + e^-18)
  const double e = std::log1p(std::exp(-18));
  const double weighed = 2.25 * std::log(2) + e + (2 * e + 3 * (18 + e)) / 4;
  CHECK(nn::cross_entropy(
            logits, labels({1, 0, 0}),
            {.weight = tensor({2, 3}, kDouble), .label_smoothing = 0.5, .ignore_index = 1})
            .item() == doctest::Approx(weighed / 4));
  CHECK_THROWS_AS(nn::cross_entropy(logits, labels({0, 1, -1})), IndexError);
}

TEST_CASE("cross_entropy takes probabilities for labels, with PyTorch's numbers") {
  // F.cross_entropy of the logits below and p, without options, then with weight and smoothing
  const Tensor logits = reshape(sin(arange(6, kDouble) + 1) / 2, {2, 3});
  const Tensor p = tensor({{0.2, 0.3, 0.5}, {0.6, 0.0, 0.4}}, kDouble);
  const Tensor weight = tensor({1, 2, 3}, kDouble);
  CHECK(nn::cross_entropy(logits, p).item() == doctest::Approx(1.1159378));
  CHECK(nn::cross_entropy(logits, p, {.weight = weight, .label_smoothing = 0.2}).item() ==
        doctest::Approx(2.2939850));
  // Of one_hot(labels) it is that of the labels.
  const Tensor hard = tensor({{0, 0, 1}, {1, 0, 0}}, kDouble);
  CHECK(nn::cross_entropy(logits, hard).item() ==
        doctest::Approx(nn::cross_entropy(logits, labels({2, 0})).item()));
  const Tensor narrow = ones({2, 2}, kDouble);
  CHECK_THROWS_WITH_AS(nn::cross_entropy(logits, narrow), doctest::Contains("[2, 2]"), ShapeError);
}

TEST_CASE("losses stay finite for huge logits") {
  Tensor logits = tensor({{1e4, -1e4}, {-1e4, 1e4}}).set_requires_grad();
  const Tensor loss = nn::cross_entropy(logits, labels({1, 1}));
  CHECK(loss.item() == 1e4);  // (2e4 + 0) / 2
  loss.backward();
  CHECK(logits.grad().to_vector<double>() == std::vector<double>{0.5, -0.5, 0, 0});

  Tensor x = tensor({1e4, -1e4, 1e4}).set_requires_grad();
  const Tensor bce = nn::bce_with_logits(x, tensor({0, 0, 1}));
  CHECK(bce.item() == doctest::Approx(1e4 / 3));
  bce.backward();
  const std::vector<double> g = x.grad().to_vector<double>();
  CHECK(g[0] == doctest::Approx(1.0 / 3));
  CHECK(g[1] == 0);
  CHECK(g[2] == 0);
}

TEST_CASE("bce_with_logits is -t log s(x) - (1 - t) log(1 - s(x)), also at 0") {
  // x = 0: log 2, gradient s(0) - t. x = 2, t = 0.25: s(2) = 0.8807971,
  // -0.25 log s - 0.75 log(1 - s) = 1.6269280, gradient 0.6307971
  Tensor x = tensor({0, 2}, kDouble).set_requires_grad();
  const Tensor loss = nn::bce_with_logits(x, tensor({1, 0.25}, kDouble));
  CHECK(loss.item() == doctest::Approx((std::log(2) + 1.6269280) / 2));
  loss.backward();
  CHECK(x.grad().to_vector<double>()[0] == doctest::Approx(-0.25));
  CHECK(x.grad().to_vector<double>()[1] == doctest::Approx(0.6307971 / 2));
}

TEST_CASE("label smoothing spreads a part of the label over all classes") {
  // Even logits: log 2 whatever the smoothing. Targets (0.9, 0.1) for smoothing 0.2 of two classes:
  // the gradient softmax - target is (-0.4, 0.4).
  Tensor logits = zeros({1, 2}, kDouble).set_requires_grad();
  const Tensor loss = nn::cross_entropy(logits, labels({0}), {.label_smoothing = 0.2});
  CHECK(loss.item() == doctest::Approx(std::log(2)));
  loss.backward();
  CHECK(logits.grad().to_vector<double>()[0] == doctest::Approx(-0.4));
  CHECK_THROWS_AS(nn::cross_entropy(logits, labels({0}), {.label_smoothing = 1}), Error);
}

TEST_CASE("kl_div adds nothing where the target is 0") {
  // target (1, 0), prediction (1/4, 3/4): log 4
  Tensor x = log(tensor({{0.25, 0.75}}, kDouble)).set_requires_grad();
  const Tensor loss = nn::kl_div(x, tensor({{1, 0}}, kDouble));
  CHECK(loss.item() == doctest::Approx(std::log(4)));
  loss.backward();  // -target / n
  CHECK(x.grad().to_vector<double>() == std::vector<double>{-1, 0});
  CHECK(std::isnan(nn::kl_div(x, tensor({{0.5, std::nan("")}}, kDouble)).item()));
}

TEST_CASE("bce_with_logits keeps the digits of small losses, and bends at 0") {
  CHECK(nn::bce_with_logits(tensor({20}), ones({1})).item() ==  // log(1 + e^-20)
        doctest::Approx(2.0611536e-9).epsilon(1e-6).scale(0));
  // d/dx = s(x) - t, d2/dx2 = s(x) (1 - s(x)): -1/2 and 1/4 at 0
  Tensor x = zeros({1}, kDouble).set_requires_grad();
  const Tensor loss = nn::bce_with_logits(x, ones({1}, kDouble));
  const Tensor slope = grad({loss}, {x}, {.create_graph = true})[0];
  CHECK(slope.item() == -0.5);
  CHECK(grad({slope}, {x})[0].item() == 0.25);
}

TEST_CASE("margins and bounded losses") {
  // 1 - t x: 0.5, 3, -1
  CHECK(nn::hinge_loss(tensor({0.5, 2, -2}), tensor({1, -1, -1})).item() ==
        doctest::Approx(3.5 / 3));
  // margin + x_j - x_label for j = 1, 2: 0.5, -1; over three classes
  CHECK(nn::multi_margin_loss(tensor({{1, 0.5, -1}}), labels({0})).item() ==
        doctest::Approx(0.5 / 3));
  // beta 2: d = 1 gives 1 / 4, d = -5 gives 5 - 1
  CHECK(nn::smooth_l1_loss(tensor({1, 0}), tensor({0, 5}), 2).item() == doctest::Approx(4.25 / 2));
  Tensor far = tensor({-kInfinity}).set_requires_grad();  // straight there, with slope -1
  nn::smooth_l1_loss(far, zeros({1}), 2).backward();
  CHECK(far.grad().item() == -1);
  CHECK(nn::l1_loss(tensor({1, 0}), tensor({0, 5})).item() == 3);
  CHECK_THROWS_AS(nn::smooth_l1_loss(ones({1}), ones({1}), 0), Error);
  CHECK_THROWS_AS(nn::multi_margin_loss(ones({1, 2}), labels({0}), 0), Error);
  CHECK_THROWS_AS(nn::hinge_loss(ones({2, 1}), ones({2})), ShapeError);
  CHECK_THROWS_AS(nn::kl_div(ones({2, 1}), ones({2})), ShapeError);
  CHECK_THROWS_AS(nn::nll_loss(ones({2, 2}), labels({0})), ShapeError);
}

TEST_CASE("multi_margin_loss of labels that are right by the margin is 0") {
  for (const double margin : {0.1, 0.3, 0.7, 1.1}) {
    const Tensor x = eye(3) * 10;
    CHECK(nn::multi_margin_loss(x, labels({0, 1, 2}), margin).item() == 0);
  }
}

TEST_CASE("mse_loss is the mean square") {
  Tensor x = tensor({1, 2}, kDouble).set_requires_grad();
  const Tensor loss = nn::mse_loss(x, tensor({3, 2}, kDouble));  // (4 + 0) / 2
  CHECK(loss.item() == 2);
  loss.backward();  // 2 (x - t) / n
  CHECK(x.grad().to_vector<double>() == std::vector<double>{-2, 0});
}

TEST_CASE("losses do not broadcast") {
  try {
    nn::mse_loss(ones({4, 1}), ones({4}));
    FAIL("nothing was thrown");
  } catch (const ShapeError& e) {
    CHECK(std::string(e.what()).find("prediction [4, 1], target [4]") != std::string::npos);
  }
  CHECK_THROWS_AS(nn::bce_with_logits(ones({4, 1}), ones({1, 4})), ShapeError);
  CHECK_THROWS_AS(nn::cross_entropy(ones({4, 2}), labels({1})), ShapeError);
  CHECK_THROWS_AS(nn::cross_entropy(zeros({0, 2}), zeros({0}, {.dtype = DType::i32})), ShapeError);
  CHECK_THROWS_AS(nn::cross_entropy(ones({1, 2}), labels({2})), IndexError);
  CHECK_THROWS_AS(nn::cross_entropy(ones({1, 2}), labels({-1})), IndexError);
  CHECK_THROWS_AS(nn::cross_entropy(ones({1, 2}), labels({1}), {.weight = ones({3})}), ShapeError);
}
