// Recurrent layers over ragged batches. (Their numbers and gradients are compared with PyTorch's in
// golden_test.cpp.)
#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

const TensorOptions kDouble{.dtype = DType::f64};

void check_close(const Tensor& x, const Tensor& expected) {
  REQUIRE(x.shape() == expected.shape());
  if (x.numel() > 0) CHECK(max(abs(x - expected)).item() < 1e-12);
}

template <class Layer>
Layer in_f64(Layer layer) {
  layer.to(kDouble);
  return layer;
}

}  // namespace

TEST_CASE("one step of an LSTM and of a GRU, by hand") {
  // All weights 0, biases b: gates are sigmoid(b) and tanh(b) whatever the input.
  nn::LSTM lstm(1, 1);
  for (Tensor& x : lstm.parameters()) nn::init::zeros(x);
  lstm.cells[0].bias_ih.assign(tensor({0, 100, 1, -0.5}));  // i = 1/2, f = 1, g = tanh 1, o
  const auto [y, h, c] = lstm(ones({1, 1}), Segments({0, 1}), {}, full({1, 1, 1}, 3));
  const double kept = 3 + 0.5 * std::tanh(1);  // f c + i g
  CHECK(c.item() == doctest::Approx(kept));
  CHECK(y.item() == doctest::Approx(std::tanh(kept) / (1 + std::exp(0.5))));
  CHECK(h.item() == y.item());

  nn::GRU gru(1, 1);
  for (Tensor& x : gru.parameters()) nn::init::zeros(x);
  gru.cells[0].bias_ih.assign(tensor({0, std::log(3), 0.5}));  // r = 1/2, z = 3/4
  gru.cells[0].bias_hh.assign(tensor({0, 0, 1}));              // n = tanh(0.5 + r * 1)
  const double next = 0.25 * std::tanh(1) + 0.75 * 2;
  CHECK(gru(ones({1, 1}), Segments({0, 1}), full({1, 1, 1}, 2)).h.item() == doctest::Approx(next));
}

TEST_CASE("texts of a batch do not see each other, and a text without rows keeps its state") {
  manual_seed(1);
  const auto lstm = in_f64(nn::LSTM(3, 4, {.layers = 2, .bidirectional = true}));
  const Tensor x = normal({7, 3}, 0, 1, kDouble);
  const Tensor h0 = normal({4, 3, 4}, 0, 1, kDouble), c0 = normal({4, 3, 4}, 0, 1, kDouble);
  const auto all = lstm(x, Segments({0, 2, 2, 7}), h0, c0);
  CHECK(all.output.shape() == Shape{7, 8});
  for (const auto& [text, begin, end] :
       std::vector<std::array<std::int64_t, 3>>{{0, 0, 2}, {2, 2, 7}}) {
    const auto alone =
        lstm(slice(x, 0, begin, end), Segments({0, static_cast<std::int32_t>(end - begin)}),
             slice(h0, 1, text, text + 1), slice(c0, 1, text, text + 1));
    check_close(slice(all.output, 0, begin, end), alone.output);
    check_close(slice(all.h, 1, text, text + 1), alone.h);
    check_close(slice(all.c, 1, text, text + 1), alone.c);
  }
  check_close(select(all.h, 1, 1), select(h0, 1, 1));
  check_close(select(all.c, 1, 1), select(c0, 1, 1));
  CHECK(lstm(zeros({0, 3}, kDouble), Segments({0, 0})).output.shape() == Shape{0, 8});
}

TEST_CASE("a row at a time is the whole") {
  manual_seed(2);
  const auto gru = in_f64(nn::GRU(3, 4, {.layers = 2}));
  const Tensor x = normal({4, 3}, 0, 1, kDouble);  // two texts of two rows
  const auto whole = gru(x, Segments({0, 2, 4}));
  const Segments one({0, 1, 2});
  const auto first = gru(slice(x, 0, 0, {}, 2), one);
  const auto second = gru(slice(x, 0, 1, {}, 2), one, first.h);
  check_close(second.h, whole.h);
  check_close(second.output, slice(whole.output, 0, 1, {}, 2));
}

TEST_CASE("recurrent layers' gradients, through states too") {
  manual_seed(3);
  const auto lstm = in_f64(nn::LSTM(2, 2, {.bidirectional = true}));
  const auto gru = in_f64(nn::GRU(2, 2));
  const Segments texts({0, 1, 1, 4});
  const std::vector<Tensor> inputs{normal({4, 2}, 0, 1, kDouble), normal({2, 3, 2}, 0, 1, kDouble),
                                   normal({2, 3, 2}, 0, 1, kDouble)};
  const auto report = gradcheck(
      [&](const std::vector<Tensor>& in) {
        const auto [y, h, c] = lstm(in[0], texts, in[1], in[2]);
        return sum(square(y)) + sum(h * in[1]) + sum(square(c));
      },
      inputs);
  CHECK_MESSAGE(report.ok, report.text);
  const auto twice = gradgradcheck(
      [&](const std::vector<Tensor>& in) {
        return sum(square(gru(in[0], texts, slice(in[1], 0, 0, 1)).output));
      },
      {inputs[0], inputs[1]});
  CHECK_MESSAGE(twice.ok, twice.text);
}

TEST_CASE("recurrent layers name their parameters as PyTorch does") {
  const nn::GRU gru(2, 3, {.layers = 2, .bias = false, .bidirectional = true});
  std::vector<std::string> names;
  for (const auto& named : gru.named_parameters()) names.push_back(named.first);
  CHECK(names == std::vector<std::string>{"weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse",
                                          "weight_hh_l0_reverse", "weight_ih_l1", "weight_hh_l1",
                                          "weight_ih_l1_reverse", "weight_hh_l1_reverse"});
  CHECK(gru.cells[2].weight_ih.shape() == Shape{9, 6});
}

TEST_CASE("recurrent layers refuse what does not fit") {
  const nn::LSTM lstm(2, 3);
  const Segments texts({0, 2});
  CHECK(message_of<ShapeError>([&] {
          lstm(ones({2, 3}), texts);
        }) == "LSTM: input [2, 3] must be [rows, features] = [2, 2], packed");
  CHECK_THROWS_AS(lstm(ones({3, 2}), texts), ShapeError);
  CHECK(message_of<ShapeError>([&] {
          lstm(ones({2, 2}), texts, ones({1, 2, 3}));
        }).ends_with("a state is [layers * directions, texts, hidden] = [1, 1, 3], got [1, 2, 3]"));
  CHECK_THROWS_AS(nn::GRU(2, 0), ShapeError);
}

TEST_CASE("dropout between layers is for training") {
  nn::LSTM lstm(2, 8, {.layers = 2, .dropout = 0.5});
  const Tensor x = ones({3, 2});
  const Segments texts({0, 3});
  CHECK(max(abs(lstm(x, texts).output - lstm(x, texts).output)).item() > 0);
  lstm.eval();
  CHECK(max(abs(lstm(x, texts).output - lstm(x, texts).output)).item() == 0);
}
