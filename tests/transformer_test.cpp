// Positions, and the decoder: what may look where. (Numbers are compared with PyTorch's in
// golden_test.cpp and layers_test.cpp.)
#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

const TensorOptions kDouble{.dtype = DType::f64};

void check_close(const Tensor& x, const Tensor& expected, double tolerance = 1e-12) {
  REQUIRE(x.shape() == expected.shape());
  if (x.numel() > 0) CHECK(max(abs(x - expected)).item() < tolerance);
}

template <class Layer>
Layer in_f64(Layer layer) {
  layer.to(kDouble);
  return layer;
}

}  // namespace

TEST_CASE("rotary turns pairs of columns by the angle of the place") {
  const Tensor x = tensor({{1, 0, 0, 2}}, kDouble);
  // Place 1 of 4 columns: angles 1 and 1 / 100.
  const Tensor turned = nn::rotary(x, slice(nn::sinusoidal_positions(2, 4), 0, 1));
  check_close(
      turned,
      tensor({{std::cos(1), std::sin(1), -2 * std::sin(0.01), 2 * std::cos(0.01)}}, kDouble),
      1e-7);                                                      // positions are f32
  check_close(nn::rotary(x, nn::sinusoidal_positions(1, 4)), x);  // place 0
  CHECK(message_of<ShapeError>([] {
          nn::rotary(ones({2, 3}), ones({2, 3}));
        }) == "[rotary] x [2, 3] and positions [2, 3] must have the same even number of columns");
}

TEST_CASE("scores of turned queries and keys depend on distance alone") {
  manual_seed(1);
  const Tensor positions = nn::sinusoidal_positions(9, 6);
  const Tensor q = expand(normal({1, 6}), {9, 6}), k = expand(normal({1, 6}), {9, 6});
  const Tensor scores = matmul(nn::rotary(q, positions), transpose(nn::rotary(k, positions)));
  check_close(slice(slice(scores, 0, 1), 1, 1), slice(slice(scores, 0, 0, -1), 1, 0, -1), 1e-5);
  CHECK(std::abs((select(select(scores, 0, 0), 0, 5) - select(select(scores, 0, 5), 0, 0)).item()) >
        1e-3);  // but on its sign
}

TEST_CASE("rotary attention is the same packed and dense, and sees order") {
  manual_seed(2);
  const auto attend = in_f64(nn::MultiheadAttention(8, 2, {.rotary = true}));
  const Tensor x = normal({2, 3, 8}, 0, 1, kDouble);
  check_close(attend(flatten(x, 0, 1), Segments({0, 3, 6})), flatten(attend(x), 0, 1));
  const Tensor turned = flip(x, 1);
  CHECK(max(abs(flip(attend(turned), 1) - attend(x))).item() > 1e-3);
  CHECK_THROWS_AS(nn::MultiheadAttention(6, 2, {.rotary = true})(ones({1, 2, 6})), ShapeError);
}

TEST_CASE("learned positions start again in every text") {
  const nn::LearnedPositions positions(4, 3);
  const Tensor p = positions(Segments({0, 2, 2, 5}));
  check_close(p, concat({positions(2), positions(3)}, 0));
  sum(p).backward();
  CHECK(positions.weight.grad().to_vector<double>() ==
        std::vector<double>{2, 2, 2, 2, 2, 2, 1, 1, 1, 0, 0, 0});
  CHECK_THROWS_AS(positions(5), IndexError);
  CHECK(to_string(positions).find("4 x 3") != std::string::npos);
}

TEST_CASE("attention to another text, packed, is dense attention text by text") {
  manual_seed(3);
  const auto attend = in_f64(nn::MultiheadAttention(4, 2));
  const Tensor q = normal({5, 4}, 0, 1, kDouble), memory = normal({6, 4}, 0, 1, kDouble);
  const Tensor y = attend(q, Segments({0, 2, 3, 5}), memory, Segments({0, 4, 4, 6}));
  const auto alone = [&](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
    const Tensor keys = unsqueeze(slice(memory, 0, c, d), 0);
    return select(attend(unsqueeze(slice(q, 0, a, b), 0), keys, keys), 0, 0);
  };
  check_close(slice(y, 0, 0, 2), alone(0, 2, 0, 4));
  check_close(slice(y, 0, 3, 5), alone(3, 5, 4, 6));
  check_close(slice(y, 0, 2, 3), reshape(attend.out_proj.bias, {1, 4}));  // nothing to look at
  CHECK(attend(slice(q, 0, 0, 0), Segments({0, 0}), memory, Segments({0, 6})).shape() ==
        Shape{0, 4});
  check_close(attend(q, Segments({0, 5}), slice(memory, 0, 0, 0), Segments({0, 0})),
              expand(attend.out_proj.bias, {5, 4}));
  CHECK_THROWS_AS(attend(q, Segments({0, 5}), memory, Segments({0, 2, 6})), ShapeError);
  CHECK_THROWS_AS(attend(q, Segments({0, 4}), memory, Segments({0, 6})), ShapeError);
}

TEST_CASE("the decoder is the same packed and dense, and does not see what comes") {
  manual_seed(4);
  for (const bool norm_first : {true, false}) {
    const auto layer = in_f64(nn::TransformerDecoderLayer(
        4, 2, {.dropout = 0, .norm_first = norm_first, .rotary = true}));
    Tensor x = normal({2, 3, 4}, 0, 1, kDouble).set_requires_grad();
    Tensor memory = normal({2, 2, 4}, 0, 1, kDouble).set_requires_grad();
    const Tensor y = layer(x, memory);
    check_close(
        layer(flatten(x, 0, 1), Segments({0, 3, 6}), flatten(memory, 0, 1), Segments({0, 2, 4})),
        flatten(y, 0, 1));
    // Row 1 of the first text: from rows 0 and 1, and all of its own memory.
    const std::vector<Tensor> g = grad({sum(square(select(select(y, 0, 0), 0, 1)))}, {x, memory});
    CHECK(min(abs(slice(select(g[0], 0, 0), 0, 0, 2))).item() > 0);
    CHECK(max(abs(slice(select(g[0], 0, 0), 0, 2))).item() == 0);
    CHECK(max(abs(select(g[0], 0, 1))).item() == 0);
    CHECK(min(abs(select(g[1], 0, 0))).item() > 0);
    CHECK(max(abs(select(g[1], 0, 1))).item() == 0);
    // A masked row of memory might as well not be there.
    const Tensor first = cast(tensor({{1, 0}, {1, 0}}), DType::boolean);
    check_close(layer(x, memory, {.memory_keys = first}), layer(x, slice(memory, 1, 0, 1)));
  }
  CHECK(nn::TransformerDecoderLayer(4, 2).named_parameters().size() == 18);
}
