// Layers against PyTorch 1.13 in f64, with parameters and inputs filled by the same formula on both
// sides: element i of `made(shape, k)` is sin(k + i) / 2.

#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"

using namespace gradus;

namespace {

Tensor made(const Shape& shape, int k) {
  return sin(reshape(arange(shape.numel(), {.dtype = DType::f64}), shape) + k) / 2;
}

void check_close(const Tensor& x, const std::vector<double>& expected) {
  const std::vector<double> values = x.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(values[i] == doctest::Approx(expected[i]).epsilon(1e-6).scale(1));
  }
}

// Parameter number i becomes made(its shape, first + i).
template <class M>
M filled(M module, int first) {
  module.to({.dtype = DType::f64});
  for (Tensor& x : module.parameters()) x.assign(made(x.shape(), first++));
  return module;
}

}  // namespace

TEST_CASE("MultiheadAttention gives PyTorch's numbers, dense and packed") {
  const auto attend = filled(nn::MultiheadAttention(4, 2), 1);
  const Tensor x = made({1, 3, 4}, 5);
  const std::vector<double> expected{-0.0955503, -0.9392243, 0.1784825, 0.3722894,
                                     -0.1336272, -0.9361020, 0.2124776, 0.3247257,
                                     -0.1618355, -0.9126714, 0.2100555, 0.3044616};
  check_close(attend(x), expected);
  check_close(attend(select(x, 0, 0), Segments({0, 3})), expected);

  const Tensor mask = cast(tensor({{1, 1, 0}}), DType::boolean);  // the third key is padding
  check_close(attend(x, {.keys = mask}),
              {-0.1427931, -0.9157742, 0.1950693, 0.3271556, -0.2143587, -0.8731801, 0.2109522,
               0.2637980, -0.2269611, -0.8749500, 0.2258683, 0.2460682});
  check_close(mean(attend.weights(x, x, {.keys = mask}), 1),
              {0.3948407, 0.6051593, 0, 0.5442044, 0.4557956, 0, 0.5239405, 0.4760595, 0});
}

TEST_CASE("a mask of two axes is of queries and keys, also where batch and time are the same") {
  const auto attend = filled(nn::MultiheadAttention(4, 2), 1);
  const Tensor x = made({3, 3, 4}, 5), real = tensor({{1, 1, 0}, {1, 1, 1}, {1, 0, 0}}) > 0;
  const Tensor triangle = tril(ones({3, 3})) > 0;
  check_close(attend(x, {.mask = triangle}), attend(x, {.causal = true}).to_vector<double>());
  check_close(attend(x, {.keys = real, .mask = triangle}),
              attend(x, {.mask = unsqueeze(real, 1) && triangle}).to_vector<double>());
}

TEST_CASE("TransformerEncoderLayer gives PyTorch's numbers and gradients") {
  struct Golden {
    bool norm_first;
    std::vector<double> y, dx, dbias;
  };
  const std::vector<Golden> goldens{
      {true,
       {0.5817828, 0.0054391, 0.5847819, 0.6437055, 1.2356354, -0.1359455, -0.2494887, -0.1081879,
        1.2471467, 0.6473693, 0.5933784, 0.0387526},
       {0.2334962, -0.2749951, -0.5175078, -0.2752263, 0.2130742, 0.4965879, 0.3342935, -0.1573762,
        -0.4691016, -0.3268372, 0.0455036, 0.4256540},
       {0, 0, -0.1360616, -0.0834332, 0, 0.1330365}},
      {false,
       {-0.8626174, -0.3798259, 0.2327679, 0.1861350, -0.9472966, -0.1385338, 0.2973934, 0.2727236,
        -0.9673077, -0.0855912, 0.3895845, 0.3517041},
       {-0.1661517, 0.0984627, -0.0658510, 0.1510886, 0.0354975, -0.0098944, 0.0171767, -0.0807063,
        -0.0070784, 0.0116859, 0.0777599, -0.0896973},
       {0, -0.0236687, 0, 0.0222809, 0.0253611, 0}}};
  for (const Golden& golden : goldens) {
    for (bool packed : {false, true}) {
      CAPTURE(golden.norm_first);
      CAPTURE(packed);
      const auto layer =
          filled(nn::TransformerEncoderLayer(
                     4, 2, {.hidden = 6, .dropout = 0, .norm_first = golden.norm_first}),
                 0);
      Tensor x = made({1, 3, 4}, 5).set_requires_grad();
      const Tensor y = packed ? layer(reshape(x, {3, 4}), Segments({0, 3})) : layer(x);
      check_close(y, golden.y);
      sum(reshape(y, {1, 3, 4}) * made({1, 3, 4}, 9)).backward();
      check_close(x.grad(), golden.dx);
      check_close(layer.linear1.bias.grad(), golden.dbias);
    }
  }
}

TEST_CASE("packed texts do not see each other") {
  nn::TransformerEncoderLayer layer(4, 2, {.dropout = 0});
  const Tensor x = normal({5, 4});
  const Tensor y = layer(x, Segments({0, 2, 5}));
  check_close(slice(y, 0, 0, 2), layer(slice(x, 0, 0, 2), Segments({0, 2})).to_vector<double>());
  // Causal: the first row of a text is as if it stood alone.
  const Tensor causal = layer(x, Segments({0, 5}), true);
  check_close(slice(causal, 0, 0, 1),
              layer(slice(x, 0, 0, 1), Segments({0, 1})).to_vector<double>());
}

TEST_CASE("Conv1d gives PyTorch's numbers, and ragged is dense on each text") {
  const auto conv = filled(nn::Conv1d(2, 3, 3, {.stride = 2, .padding = 1}), 1);
  const Tensor x = made({1, 2, 5}, 3);
  const std::vector<double> expected{0.1940608, 0.1898961,  0.8630497,  -0.2751286, -0.1056147,
                                     0.4573116, -0.7816530, -0.4519641, -0.0441075};
  check_close(conv(x), expected);

  // Two copies of the text, [10, 2]: rows are places in time, columns are channels.
  const Tensor rows = transpose(select(x, 0, 0));
  const Windows windows = conv.windows(Segments({0, 5, 5, 10}));
  CHECK(windows.segments.offsets() == std::vector<std::int32_t>{0, 3, 3, 6});
  const Tensor y = conv(concat({rows, rows}, 0), windows);  // [6, 3]
  check_close(transpose(slice(y, 0, 0, 3)), expected);
  check_close(transpose(slice(y, 0, 3, 6)), expected);
}

TEST_CASE("pools take the largest or the mean of windows; ragged windows may be cut short") {
  const Tensor x = tensor({1, 5, 2, 8, 3});
  CHECK(nn::MaxPool1d(2)(x).to_vector<double>() == std::vector<double>{5, 8});
  CHECK(nn::AvgPool1d(2)(x).to_vector<double>() == std::vector<double>{3, 5});
  CHECK(nn::MaxPool1d(3, 1)(x).to_vector<double>() == std::vector<double>{5, 8, 8});

  const nn::AvgPool1d average(2);
  const nn::MaxPool1d largest(2);
  const Windows windows = average.windows(Segments({0, 3, 5}));  // {1, 5}, {2} and {8, 3}
  CHECK(windows.segments.offsets() == std::vector<std::int32_t>{0, 2, 3});
  CHECK(average(reshape(x, {5, 1}), windows).to_vector<double>() == std::vector<double>{3, 2, 5.5});
  CHECK(largest(reshape(x, {5, 1}), windows).to_vector<double>() == std::vector<double>{5, 2, 8});
}

TEST_CASE("Attention averages each text by how well its rows match the query") {
  for (Score score : {Score::dot, Score::euclidean, Score::additive}) {
    CAPTURE(std::string(name_of(score)));
    nn::Attention attend(4, {.score = score, .size = 6, .heads = 2});
    const Segments texts({0, 3, 3, 5});
    const Tensor x = normal({5, 4}).set_requires_grad();
    const auto [context, weights] = attend.pool(x, texts);
    CHECK(context.shape() == Shape{3, 4});
    check_close(segment_sum(weights, texts), {1, 1, 0, 0, 1, 1});
    check_close(slice(context, 0, 1, 2), {0, 0, 0, 0});  // a text without rows
    check_close(context, attend(x, texts).to_vector<double>());

    // A query for each text instead of the learned one; every parameter gets a gradient.
    const Tensor again = attend(x, texts, context);
    CHECK(again.shape() == Shape{3, 4});
    sum(square(again)).backward();
    for (const auto& named : attend.named_parameters()) {
      CAPTURE(named.first);
      CHECK(named.second.grad().defined());
    }
    CHECK(x.grad().defined());
  }
  // Equal rows get equal weights: the context is that row, through v_proj if there is one.
  nn::Attention attend(2, {.value = true});
  const Tensor row = tensor({{1, 2}});
  check_close(attend(expand(row, {4, 2}), Segments({0, 4})),
              attend.v_proj[0](row).to_vector<double>());
  nn::Attention given(2, {.query_dim = 3});
  CHECK(given(ones({4, 2}), Segments({0, 4}), ones({1, 3})).shape() == Shape{1, 2});
}

TEST_CASE("Embedding learns the rows that were looked up") {
  nn::Embedding embed(4, 2);
  const Tensor x = embed(tensor({1, 3, 1, -1}, {.dtype = DType::i32}));
  check_close(slice(x, 0, 3, 4), {0, 0});
  sum(x).backward();
  CHECK(embed.weight.gradient().is_sparse());
  CHECK(embed.weight.grad().to_vector<double>() == std::vector<double>{0, 0, 2, 2, 0, 0, 1, 1});
}

TEST_CASE("sinusoidal positions") {
  // dim 4: w = 1, 1/100. Place 1: sin 1, cos 1, sin 0.01, cos 0.01.
  const std::vector<double> first{0, 1, 0, 1};
  const std::vector<double> second{std::sin(1), std::cos(1), std::sin(0.01), std::cos(0.01)};
  const Tensor p = nn::sinusoidal_positions(2, 4);
  check_close(select(p, 0, 0), first);
  check_close(select(p, 0, 1), second);
  const Tensor packed = nn::sinusoidal_positions(Segments({0, 2, 2, 3}), 4);
  CHECK(packed.shape() == Shape{3, 4});
  check_close(select(packed, 0, 1), second);
  check_close(select(packed, 0, 2), first);
}

TEST_CASE("activations, LayerNorm and Dropout") {
  const Tensor x = tensor({{-1, 0, 3}});
  check_close(nn::ReLU()(x), {0, 0, 3});
  check_close(nn::GELU()(x), {-0.1586553, 0, 2.9959503});  // x * Phi(x)
  check_close(nn::Tanh()(x), {-0.7615942, 0, 0.9950548});
  check_close(nn::Sigmoid()(x), {0.2689414, 0.5, 0.9525741});
  check_close(nn::SiLU()(x), {-0.2689414, 0, 2.8577224});             // x sigmoid(x)
  check_close(nn::Softplus()(x), {0.3132617, 0.6931472, 3.0485874});  // log(1 + e^x)
  check_close(nn::Identity()(x), {-1, 0, 3});
  check_close(nn::Sequential{gradus::tanh, nn::Identity()}(x), {-0.7615942, 0, 0.9950548});
  const Tensor deep = arange(24);
  CHECK(nn::Flatten()(reshape(deep, {2, 3, 2, 2})).shape() == Shape{2, 12});
  CHECK(nn::Flatten(0, 1)(reshape(deep, {2, 3, 2, 2})).shape() == Shape{6, 2, 2});
  check_close(sum(nn::Softmax()(x)), {1});
  // mean 2/3, variance (25 + 4 + 49) / 27
  check_close(nn::LayerNorm(3, {.epsilon = 0})(x), {-0.9805807, -0.3922323, 1.3728129});
  CHECK(nn::LayerNorm(3, {.affine = false}).parameters().empty());

  manual_seed(1);
  nn::Dropout drop(0.25);
  const Tensor dropped = drop(ones({10000}));
  CHECK(mean(dropped).item() == doctest::Approx(1).epsilon(0.05));
  CHECK(max(dropped).item() == doctest::Approx(4.0 / 3));
  drop.eval();
  CHECK(min(drop(ones({100}))).item() == 1);
}

TEST_CASE("layers refuse sizes that make no sense") {
  CHECK_THROWS_AS(nn::Linear(0, 3), ShapeError);
  CHECK_THROWS_AS(nn::Embedding(5, -1), ShapeError);
  CHECK_THROWS_AS(nn::Conv1d(2, 3, 3, {.padding = -1}), ShapeError);
  CHECK_THROWS_AS(nn::MaxPool1d(0), ShapeError);
  CHECK_THROWS_AS(nn::MultiheadAttention(6, 4), ShapeError);
  CHECK_THROWS_AS(nn::Attention(4, {.size = 5, .heads = 2}), ShapeError);
  CHECK_THROWS_AS(nn::Dropout(1.0), Error);
  CHECK_THROWS_AS(nn::LayerNorm(3)(ones({3, 2})), ShapeError);
  CHECK_THROWS_AS(nn::MultiheadAttention(4, 2)(ones({3, 4})), ShapeError);  // dense needs 3 axes
  CHECK_THROWS_AS(nn::MultiheadAttention(4, 2)(ones({3, 4}), Segments({0, 2})), ShapeError);
}
