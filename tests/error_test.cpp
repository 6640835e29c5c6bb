// What operations refuse, and what they say; extreme shapes and extreme numbers.

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/attention.h"
#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {

constexpr DType f64 = DType::f64;
constexpr std::int64_t kHuge = std::int64_t{1} << 62;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

Values values(const Tensor& x) { return x.to_vector<double>(); }

bool all_finite(const Tensor& x) {
  for (double value : values(x)) {
    if (!std::isfinite(value)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("tensors of two backends in one op: both are named") {
  const Tensor a = ones({2}, {.backend = &backend("cpu")});
  const Tensor b = ones({2}, {.backend = &backend("reference")});
  CHECK(message_of<BackendError>([&] { a + b; }) ==
        "[add] a is f32 [2] on cpu, b is f32 [2] on reference: both must be on one backend; use "
        "to()");
  CHECK_THROWS_AS(where(a > 0, b, b), BackendError);
  CHECK_THROWS_AS(matmul(unsqueeze(a, 0), unsqueeze(b, 1)), BackendError);
  CHECK_THROWS_AS(concat({a, b}, 0), BackendError);
  CHECK_THROWS_AS(gather(a, zeros({1}, {DType::i32, &backend("reference")})), BackendError);
  CHECK_THROWS_AS(scatter_add(a, zeros({2}, {DType::i32, &backend("reference")}), 2), BackendError);
  CHECK_THROWS_AS(layer_norm(a, b), BackendError);
  CHECK_THROWS_AS(backend("abacus"), BackendError);
  CHECK(values(to(a, {.backend = &backend("reference")}) + b) == Values{2, 2});
}

TEST_CASE("an undefined tensor is no number") {
  const Tensor x = tensor({1, 2}), none;
  CHECK_THROWS_AS(x * none, BackendError);
  CHECK_THROWS_AS(none + x, BackendError);
  CHECK_THROWS_AS(maximum(x, none), BackendError);
  CHECK_THROWS_AS(x == none, BackendError);
  CHECK_THROWS_AS(none + 1, BackendError);
}

TEST_CASE("numbers chosen by a condition; the least i32 is one") {
  const Tensor y = where(tensor({-1, 2}, {.backend = &backend("reference")}) > 0, 1, 0);
  CHECK(describe(y) == "f32 [2] on reference");
  CHECK(values(y) == Values{0, 1});
  CHECK(values(zeros({1}, {DType::i32}) + -0x1p31) == Values{-0x1p31});
  CHECK_THROWS_AS((zeros({1}, {DType::i32}) + 0x1p31), DTypeError);
}

TEST_CASE("dtypes that an op is not defined for") {
  const Tensor x = ones({2, 2}), d = ones({2, 2}, {f64});
  const Tensor i = ones({2, 2}, {DType::i32}), m = x > 0, packed = unsqueeze(m, 1);
  CHECK(message_of<DTypeError>([&] { x* d; }).find("use cast()") != std::string::npos);
  for (const Tensor& wrong : {i, m}) {
    CHECK_THROWS_AS(exp(wrong), DTypeError);
    CHECK_THROWS_AS(attention(packed, packed, packed, Segments({0, 2})), DTypeError);
    CHECK_THROWS_AS(logsumexp(wrong), DTypeError);
    CHECK_THROWS_AS(var(wrong), DTypeError);
    CHECK_THROWS_AS(prod(wrong), DTypeError);
    CHECK_THROWS_AS(matmul(wrong, wrong), DTypeError);
    CHECK_THROWS_AS(softmax(wrong), DTypeError);
    CHECK_THROWS_AS(layer_norm(wrong), DTypeError);
    CHECK_THROWS_AS(dropout(wrong, 0.5), DTypeError);
    CHECK_THROWS_AS(wrong / wrong, DTypeError);  // 1 / 0 of whole numbers would end the process
    CHECK_THROWS_AS(pow(wrong, 2), DTypeError);
  }
  CHECK_THROWS_AS(m + m, DTypeError);
  CHECK_THROWS_AS(logical_and(x, m), DTypeError);
  CHECK_THROWS_AS(logical_not(x), DTypeError);
  CHECK_THROWS_AS(where(x, x, x), DTypeError);
  CHECK_THROWS_AS(gather(x, x), DTypeError);
  CHECK_THROWS_AS(one_hot(x, 3), DTypeError);
  CHECK_THROWS_AS(pick(x, x), Error);
  CHECK_THROWS_AS(i + 0.5, DTypeError);
  CHECK_THROWS_AS(i + 1e10, DTypeError);
  CHECK_THROWS_AS(i * std::nan(""), DTypeError);
  CHECK(values(i + 2) == Values(4, 3.0));
}

TEST_CASE("an undefined tensor is an error, not a crash") {
  const Tensor none;
  CHECK_THROWS_AS(exp(none), Error);
  CHECK_THROWS_AS(none + none, Error);
  CHECK_THROWS_AS(none + 1, Error);
  CHECK_THROWS_AS(sum(none), Error);
  CHECK_THROWS_AS(none.item(), Error);
  CHECK_THROWS_AS(none.to_vector<float>(), Error);
  CHECK_THROWS_AS(none.backward(), Error);
  CHECK_THROWS_AS(concat({none}, 0), Error);
  CHECK_THROWS_AS(reshape(none, {1, 1}), Error);
  CHECK_THROWS_AS(softmax(none), Error);
  CHECK_THROWS_AS(to(none, {}), Error);
}

TEST_CASE("shapes that do not fit") {  // messages_test.cpp has one for each message
  CHECK_THROWS_AS(matmul(ones({2, 3, 4}), ones({5, 6})), ShapeError);
  CHECK_THROWS_AS(linear(ones({2, 3}), ones({4, 3}), ones({1})), ShapeError);
  CHECK_THROWS_AS(linear(ones({2, 3}), ones({4, 3}), ones({2, 4})), ShapeError);
  CHECK_THROWS_AS(conv1d(ones({1, 2, 3}), ones({1, 2, 2}), {}, {.stride = 0}), ShapeError);
  CHECK_THROWS_AS(conv1d(ones({1, 2, 3}), ones({1, 2, 2}), {}, {.padding = -1}), ShapeError);
  CHECK_THROWS_AS(max_pool1d(ones({3}), 4), ShapeError);
  CHECK_THROWS_AS(sum(ones({2, 2}), 2), IndexError);
  CHECK_THROWS_AS(select(ones({2}), 0, 2), IndexError);
  CHECK_THROWS_AS(slice(ones({2}), 0, 0, 2, 0), IndexError);
}

TEST_CASE("rows and indices outside their range") {
  const Tensor table = ones({3, 2});
  const auto rows = [](std::int32_t r) { return from_vector<std::int32_t>({0, r}, {2}); };
  CHECK(message_of<IndexError>([&] { gather(table, rows(3)); }).find("row 3") != std::string::npos);
  CHECK_THROWS_AS(gather(table, rows(-2)), IndexError);
  CHECK_THROWS_AS(scatter_add(table, from_vector<std::int32_t>({0, 1, 9}, {3}), 3), IndexError);
  CHECK_THROWS_AS(pick(table, from_vector<std::int32_t>({0, 1, 2}, {3})), IndexError);
  CHECK_THROWS_AS(pick(table, from_vector<std::int32_t>({0, -1, 1}, {3})), IndexError);
  CHECK_THROWS_AS(one_hot(rows(3), 3), IndexError);
}

TEST_CASE("sizes that no memory holds end in a sentence") {
  const Tensor row = from_vector<std::int32_t>({0}, {1});
  for (const std::int64_t size : {kMost, kHuge, kHuge >> 8, kHuge >> 18}) {
    CAPTURE(size);
    CHECK_THROWS_AS(one_hot(row, size), Error);
    CHECK_THROWS_AS(nn::sinusoidal_positions(size, 4), Error);
    CHECK_THROWS_AS(nn::sinusoidal_positions(1, size), Error);
    CHECK_THROWS_AS(nn::sinusoidal_positions(size, size), Error);
    CHECK_THROWS_AS(arange(size), Error);
    CHECK_THROWS_AS(randperm(size), Error);
  }
  CHECK(nn::sinusoidal_positions(0, kHuge).shape() == Shape{0, kHuge});
  CHECK(nn::sinusoidal_positions(kHuge, 0).shape() == Shape{kHuge, 0});
}

TEST_CASE("shapes whose size does not fit 64 bits throw, through every way to make one") {
  CHECK_THROWS_AS(Shape({kHuge, 2}), ShapeError);
  CHECK_THROWS_AS(Shape({kHuge, 0, 4}), ShapeError);  // zeros count as ones
  CHECK_THROWS_AS(Shape({-1}), ShapeError);
  CHECK_THROWS_AS(zeros({kHuge}), ShapeError);  // 4 bytes each
  CHECK_THROWS_AS(zeros({kHuge / 2}, {f64}), ShapeError);
  const Tensor x = ones({2, 1});
  CHECK_THROWS_AS(reshape(x, {kHuge, 4}), ShapeError);
  CHECK_THROWS_AS(reshape(x, {kHuge, -1}), ShapeError);
  CHECK_THROWS_AS(reshape(x, {-1, -1}), ShapeError);
  CHECK_THROWS_AS(expand(x, {kHuge, 2, 1}), ShapeError);
  CHECK_THROWS_AS(pad(x, 0, kHuge, 0), Error);
  CHECK_THROWS_AS(pad(x, 0, kMost, 1), ShapeError);
  CHECK_THROWS_AS(pad(x, 0, 1, kMost), ShapeError);
  CHECK_THROWS_AS(conv1d(ones({1, 1, 4}), ones({1, 1, 2}), {}, {.padding = kHuge}), ShapeError);
  CHECK_THROWS_AS(scatter_add(x, zeros({2}, {DType::i32}), kMost), ShapeError);
  // Views of huge shapes are only layouts; making one in memory is refused.
  const Tensor wide = expand(x, {2, kHuge / 2});
  CHECK(wide.numel() == kHuge);
  CHECK_THROWS_AS(contiguous(wide), ShapeError);
  CHECK_THROWS_AS(wide + 1, ShapeError);
  CHECK_THROWS_AS(unsqueeze(wide, 0) + ones({4, 1, 1}), ShapeError);
  CHECK_THROWS_AS(matmul(expand(ones({1, 1}), {kHuge, 1}), ones({1, 4})), ShapeError);
  CHECK_THROWS_AS(concat({wide, wide, wide, wide}, 1), ShapeError);
  // Fits 64 bits, but no memory: said, not died of.
  CHECK_THROWS_AS(zeros({kHuge / 8}), BackendError);
  CHECK_THROWS_AS(normal({kHuge / 16}), BackendError);
  // Huge steps and windows.
  CHECK(values(slice(tensor({1, 2, 3}), 0, 1, {}, kMost)) == Values{2});
  CHECK(values(slice(tensor({{1, 2}, {3, 4}}), 0, 0, kHuge, kHuge)) == Values{1, 2});
  CHECK(values(unfold(tensor({{1, 2}, {3, 4}}), 0, 2, kHuge)) == Values{1, 3, 2, 4});
  CHECK(slice(tensor({1, 2, 3}), 0, -kHuge, kHuge).numel() == 3);
}

TEST_CASE(
    "softmax, log_softmax and logsumexp of logits of +-1e4 are finite, and so are gradients") {
  for (const std::string name : {"reference", "cpu"}) {
    for (const DType dtype : {DType::f32, f64}) {
      INFO(name << " " << std::string(name_of(dtype)));
      const TensorOptions options{dtype, &backend(name)};
      Tensor x = tensor({{1e4, -1e4, 0}, {1e4, 1e4, -1e4}}, options).set_requires_grad();
      const Tensor p = softmax(x), logp = log_softmax(x), total = logsumexp(x, 1);
      CHECK(values(p) == Values{1, 0, 0, 0.5, 0.5, 0});
      CHECK(values(select(logp, 0, 0)) == Values{0, -2e4, -1e4});
      CHECK(values(total)[0] == 1e4);
      // The loss of a hopelessly wrong class is 2e4 (of two right ones, log 2 more), and its
      // gradient softmax - one_hot.
      const Tensor loss = -sum(pick(logp, from_vector<std::int32_t>({1, 2}, {2}, options.backend)));
      CHECK(loss.item() == doctest::Approx(4e4 + std::log(2)));
      CHECK(values(grad({loss}, {x})[0]) == Values{1, -1, 0, 0.5, 0.5, -1});
      CHECK(all_finite(grad({sum(p * p)}, {x})[0]));
      CHECK(all_finite(grad({sum(total)}, {x})[0]));
      CHECK(all_finite(sigmoid(x)));
      CHECK(values(tanh(slice(x, 0, 0, 1))) == Values{1, -1, 0});
      CHECK(values(gelu(slice(x, 0, 0, 1))) == Values{1e4, 0, 0});
    }
  }
}

TEST_CASE("rows of nothing but -inf: zeros from softmax, -inf from its log, gradients finite") {
  for (const std::string name : {"reference", "cpu"}) {
    INFO(name);
    const TensorOptions options{f64, &backend(name)};
    Tensor x = tensor({{-kInfinity, -kInfinity}, {0, -kInfinity}}, options).set_requires_grad();
    const Tensor p = softmax(x);
    CHECK(values(p) == Values{0, 0, 1, 0});
    CHECK(values(grad({sum(p * 3)}, {x})[0]) == Values{0, 0, 0, 0});
    CHECK(values(log_softmax(x)) == Values{-kInfinity, -kInfinity, 0, -kInfinity});
    CHECK(values(logsumexp(x, 1)) == Values{-kInfinity, 0});
    CHECK(values(grad({logsumexp(slice(x, 0, 1), 1)}, {x})[0]) == Values{0, 0, 1, 0});
    CHECK(all_finite(grad({sum(where(logsumexp(x, 1) > -1, logsumexp(x, 1), 0))}, {x})[0]));
    const Segments segments({0, 2, 2, 4});
    Tensor flat = reshape(x.detach(), {4}).set_requires_grad();
    const Tensor q = segment_softmax(flat, segments);
    CHECK(values(q) == Values{0, 0, 1, 0});
    CHECK(all_finite(grad({sum(q * q)}, {flat})[0]));
  }
}

TEST_CASE("a query that may look nowhere gets zeros and finite gradients, for each score") {
  for (const std::string name : {"reference", "cpu"}) {
    for (const Score score : {Score::dot, Score::euclidean, Score::additive}) {
      INFO(name << " " << std::string(name_of(score)));
      const TensorOptions options{f64, &backend(name)};
      manual_seed(1);
      Tensor q = normal({2, 3, 4}, 0, 1, options).set_requires_grad();
      Tensor k = normal({2, 5, 4}, 0, 1, options).set_requires_grad();
      Tensor v = normal({2, 5, 2}, 0, 1, options).set_requires_grad();
      Tensor w = normal({4}, 0, 1, options).set_requires_grad();
      // [2, 1, 5]: of the second batch nothing is seen
      const Tensor mask = tensor({{{1, 1, 0, 1, 1}}, {{0, 0, 0, 0, 0}}}, options) > 0;
      const Tensor y = attention(q, k, v, {.score = score, .weight = w, .mask = mask});
      CHECK(values(select(y, 0, 1)) == Values(6, 0.0));
      CHECK(all_finite(y));
      for (const Tensor& g : grad({sum(y * y)}, {q, k, v, w})) CHECK(all_finite(g));
      // No keys at all.
      const Tensor nothing =
          attention(q, slice(k, 1, 0, 0), slice(v, 1, 0, 0), {.score = score, .weight = w});
      CHECK(values(nothing) == Values(12, 0.0));
    }
  }
}

TEST_CASE("packed attention of one empty batch and of empty texts") {
  for (const Score score : {Score::dot, Score::euclidean, Score::additive}) {
    const Tensor w = ones({4});
    const AttentionOptions options{.score = score, .weight = w};
    Tensor none = zeros({0, 2, 4}).set_requires_grad();
    CHECK(attention(none, none, none, Segments({0, 0, 0}), options).shape() == Shape{0, 2, 4});
    Tensor x = ones({1, 2, 4}).set_requires_grad();
    const Tensor y = attention(x, x, x, Segments({0, 0, 1, 1}), options);
    CHECK(values(y) == Values(8, 1.0));  // one word looks at itself
    CHECK(all_finite(grad({sum(y)}, {x})[0]));
  }
  CHECK_THROWS_AS(attention(ones({2, 3}), ones({2, 3}), ones({2, 3}), {.score = Score::additive}),
                  Error);
  CHECK_THROWS_AS(attention(ones({2, 3}), ones({2, 3}), ones({2, 3}),
                            {.score = Score::additive, .weight = ones({1})}),
                  ShapeError);
}

TEST_CASE("sizes that no memory holds are refused with an Error") {
  CHECK_THROWS_AS(arange(kMost), Error);
  CHECK_THROWS_AS(arange(kHuge / 8), Error);
  CHECK_THROWS_AS(eye(2'000'000'000), Error);
  CHECK(values(eye(2)) == Values{1, 0, 0, 1});
  CHECK(eye(0).shape() == Shape{0, 0});
}

TEST_CASE("a NaN passes the gradient of maximum and minimum on") {
  Tensor x = tensor({std::nan(""), 1}).set_requires_grad();
  sum(maximum(x, 2) + minimum(x, 0)).backward();
  CHECK(values(x.grad()) == Values{2, 0});
}

TEST_CASE("the gradient of x^0 has a gradient at 0") {
  Tensor x = zeros({1}, {f64}).set_requires_grad();
  const Tensor slope = grad({pow(x, 0)}, {x}, {.create_graph = true})[0];
  CHECK(slope.item() == 0);
  CHECK(grad({slope}, {x})[0].item() == 0);
}
