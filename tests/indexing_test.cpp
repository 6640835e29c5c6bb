// Sorting, choosing and cutting by hand; what they refuse; functions near 0 and far out. (Gradients
// and layouts are the op table's.)
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {
using Values = std::vector<double>;
Values values(const Tensor& x) { return x.to_vector<double>(); }
Tensor whole(const NestedValues& numbers) { return tensor(numbers, {.dtype = DType::i32}); }
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}  // namespace

TEST_CASE("sort puts NaN last as the largest, and keeps equal elements in order") {
  const Tensor x = tensor({2, kNan, 1, 2, kInfinity});
  CHECK(values(sort(x).indices) == Values{2, 0, 3, 4, 1});
  CHECK(values(sort(x, 0, true).indices) == Values{1, 4, 0, 3, 2});
  CHECK(values(sort(whole({3, 1, 2})).values) == Values{1, 2, 3});
  const Sorted columns = sort(tensor({{3, 1}, {2, 5}}), 0);
  CHECK(values(columns.values) == Values{2, 1, 3, 5});
  CHECK(values(columns.indices) == Values{1, 0, 0, 1});
  CHECK(values(topk(tensor({4, 9, 7}), 2).indices) == Values{1, 2});
  CHECK(message_of<ShapeError>([&] { topk(x, 6); }) == "[topk] axis -1 of [5] has no 6 elements");
}

TEST_CASE("topk is the beginning of sort, of equal elements too") {
  manual_seed(2);
  const Tensor x = floor(normal({40, 200}) * 3);
  for (const bool largest : {true, false}) {
    for (const std::int64_t k : {0, 1, 7, 199, 200}) {
      const Sorted some = topk(x, k, 1, largest), all = sort(x, 1, largest);
      CHECK(some.indices.to_vector<double>() == slice(all.indices, 1, 0, k).to_vector<double>());
      CHECK(some.values.to_vector<double>() == slice(all.values, 1, 0, k).to_vector<double>());
    }
  }
  CHECK(topk(x, 2, 0).values.shape() == Shape{2, 200});
}

TEST_CASE("flip turns any layout around, on every backend") {
  for (const char* on : {"reference", "cpu"}) {
    const Tensor x = reshape(arange(60, {DType::f32, &backend(on)}), {3, 4, 5});
    const Tensor strided = transpose(slice(x, 2, 0, 5, 2), 0, 1);  // [4, 3, 3]
    const Tensor y = flip(strided, {0, 2});
    for (const auto& [i, j, k] : {std::array{0, 0, 0}, {3, 1, 2}, {1, 2, 0}}) {
      CHECK(y[i][j][k].item() == strided[3 - i][j][2 - k].item());
    }
    CHECK(flip(flip(x, {}), {}).to_vector<double>() == x.to_vector<double>());
    CHECK(flip(zeros({0, 2}, x.options()), 0).shape() == Shape{0, 2});
    REFUSES(ShapeError, flip(zeros({2, 3}), {0, -2}), "[flip] an axis of [2, 3] is named twice");
  }
}

TEST_CASE("long rows sort the same with any number of threads") {
  manual_seed(3);
  const Tensor x = uniform({300, 41});
  const int before = num_threads();
  set_num_threads(1);
  const Values alone = values(sort(x).indices);
  set_num_threads(3);
  CHECK(values(sort(x).indices) == alone);
  set_num_threads(before);
}

TEST_CASE("of a row that is put twice the last stands, in the gradient too") {
  Tensor src = tensor({{1, 2}, {3, 4}, {5, 6}}).set_requires_grad();
  Tensor table = zeros({2, 2}).set_requires_grad();
  const Tensor y = index_put(table, whole({1, 1, -1}), src);
  CHECK(values(y) == Values{0, 0, 3, 4});
  sum(y).backward();
  CHECK(values(src.grad()) == Values{0, 0, 1, 1, 0, 0});
  CHECK(values(table.grad()) == Values{1, 1, 0, 0});
  CHECK(message_of<ShapeError>([&] { index_put(table, whole({1}), src); }) ==
        "[index_put] src [3, 2] does not fit rows [1] of table [2, 2]");
  CHECK_THROWS_AS(index_put(table, whole({2}), ones({1, 2})), IndexError);
}

TEST_CASE("indices are checked") {
  const Tensor x = tensor({{1, 2}, {3, 4}});
  CHECK(message_of<IndexError>([&] {
          take_along_dim(x, whole({{2}, {0}}), 1);
        }) == "[take_along_dim] index 2 (number 0) is outside [0, 2)");
  CHECK_THROWS_AS(take_along_dim(x, whole({{0}, {1}, {0}}), 1), ShapeError);
  CHECK_THROWS_AS(take_along_dim(x, ones({2, 2}), 1), DTypeError);
  CHECK_THROWS_AS(index_select(x, 0, whole({-1})), IndexError);
  CHECK_THROWS_AS(index_select(x, 0, whole({{0}})), ShapeError);
  CHECK_THROWS_AS(scatter(x, 1, whole({{0}, {1}}), ones({2, 2})), ShapeError);
  CHECK_THROWS_AS(masked_fill(x, ones({3, 2, 2}) > 0, 0), ShapeError);
  CHECK_THROWS_AS(tril(ones({3})), ShapeError);
}

TEST_CASE("split and chunk") {
  const Tensor x = arange(7);
  std::vector<std::int64_t> sizes;
  for (const Tensor& piece : split(x, 3)) sizes.push_back(piece.size(0));
  CHECK(sizes == std::vector<std::int64_t>{3, 3, 1});
  CHECK(chunk(x, 4).size() == 4);   // 2, 2, 2, 1
  CHECK(chunk(x, 5).size() == 4);   // at most: pieces of 2 are four
  CHECK(chunk(x, 20).size() == 7);  // none is empty
  CHECK(values(split(x, {3, 4})[1]) == Values{3, 4, 5, 6});
  CHECK(message_of<ShapeError>([&] {
          split(x, {3, 3});
        }) == "[split] sizes [3, 3] do not add up to axis 0 of [7]");
  CHECK_THROWS_AS(split(x, {8, -1}), ShapeError);
  CHECK_THROWS_AS(split(x, 0), ShapeError);
  CHECK_THROWS_AS(chunk(x, 0), ShapeError);
}

TEST_CASE("gradients of slices that touch, overlap, leave gaps or cross, on every backend") {
  for (const char* on : {"reference", "cpu"}) {
    CAPTURE(on);
    Tensor x = arange(12, {DType::f64, &backend(on)});
    x.set_requires_grad();
    // y = the sum of w_i y_i, so that dy/dx is where each weight fell
    const auto gradient_of = [&](auto y) { return values(grad({y(reshape(x, {3, 4}))}, {x})[0]); };
    CHECK(gradient_of([](const Tensor& m) {
            return 1 * sum(slice(m, 1, 0, 1)) + 2 * sum(slice(m, 1, 1, 4));
          }) == Values{1, 2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2});
    CHECK(gradient_of([](const Tensor& m) {
            return 1 * sum(slice(m, 1, 0, 3)) + 2 * sum(slice(m, 1, 2, 4));
          }) == Values{1, 1, 3, 2, 1, 1, 3, 2, 1, 1, 3, 2});
    CHECK(gradient_of([](const Tensor& m) {
            return 1 * sum(slice(m, 1, 0, 4, 3)) + 2 * sum(slice(m, 1, 2, 3));
          }) == Values{1, 0, 2, 1, 1, 0, 2, 1, 1, 0, 2, 1});
    CHECK(gradient_of([](const Tensor& m) {
            return 1 * sum(slice(m, 1, 1, 2)) + 2 * sum(m[1]) + 4 * sum(slice(m, 1, 2, 3));
          }) == Values{0, 1, 4, 0, 2, 3, 6, 2, 0, 1, 4, 0});
    CHECK(gradient_of([](const Tensor& m) { return sum(m[0]) + sum(m) + 2 * sum(m[0]); }) ==
          Values{4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1});
  }
}

TEST_CASE("a gradient of a slice adds to any other, and a leaf takes it") {
  const Gradient right = Gradient::of_slice(tensor({{1}, {2}}), {-1, 1, 2, 1}, {2, 2});
  const Gradient row = Gradient::row_sparse(whole({1}), tensor({{4, 4}}), {2, 2});
  Gradient sum = right;
  sum += row;
  sum += ones({2, 2});
  CHECK(values(sum.dense()) == Values{1, 2, 5, 7});
  sum = row;
  sum += right;
  CHECK(values(sum.dense()) == Values{0, 1, 4, 6});
  Tensor leaf = zeros({2, 2}).set_requires_grad();
  leaf.set_gradient(right);
  CHECK(values(leaf.grad()) == Values{0, 1, 0, 2});
  CHECK_THROWS_AS(zeros({2, 3}).set_requires_grad().set_gradient(right), ShapeError);
}

TEST_CASE("einsum says what is wrong with an equation") {
  const Tensor a = ones({2, 3}), b = ones({3, 4});
  const auto refused = [&](const std::string& equation) {
    return message_of<ShapeError>([&] { einsum(equation, {a, b}); });
  };
  CHECK(refused("ij->ji") == "[einsum] \"ij->ji\" of [2, 3], [3, 4]: 1 terms for 2 operands");
  CHECK(refused("ijk,jk->i").ends_with("term 1 names 3 axes of 2"));
  CHECK(refused("i,jk->i").ends_with("term 1 names 1 axes of 2"));
  CHECK(refused("ij,ik->jk").ends_with("'i' names axes of sizes 2 and 3"));
  CHECK(refused("ij,jk->iz").ends_with("the result names 'z', which no operand has"));
  CHECK(refused("ij,jk->ii").ends_with("the result names 'i' twice"));
  CHECK(refused("i1,jk->i").ends_with("'1' is not a letter, ... or ->"));
  CHECK(refused("i..,jk->i").ends_with("'.' is not a letter, ... or ->"));
  CHECK(values(einsum("ij,jk", {a, b})) == Values(8, 3));  // three ones each
  CHECK(einsum("ij,kl", {a, b}).shape() == Shape{2, 3, 3, 4});
}

TEST_CASE("expm1, log1p and softplus keep their digits near 0 and do not overflow") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const double epsilon = dtype == DType::f32 ? 6e-8 : 1.2e-16;
    for (const double x : {1e-30, -1e-30, 1e-9, -3e-6, 1e-3, -0.2, 0.4, 0.5, 1.7, -0.999, 30.0}) {
      CAPTURE(x);
      const Tensor t = full({1}, x, {dtype});
      const double exact = t.item();  // rounded to the dtype
      // tanh is within 3 ulp and e^x + 1 within 1; log within 1 and a quotient and product after it
      CHECK(std::abs(expm1(t).item() / std::expm1(exact) - 1) < 8 * epsilon);
      CHECK(std::abs(log1p(t).item() / std::log1p(exact) - 1) < 8 * epsilon);
    }
    // log(1 + e^-20): what exp loses, and one rounding
    const double small = softplus(full({1}, -20, {dtype})).item();
    CHECK(std::abs(small / std::log1p(std::exp(-20.0)) - 1) < 8 * epsilon);
  }
  const Tensor far = tensor({-kInfinity, -1e4, 0, 1e4, kInfinity});
  CHECK(values(expm1(far)) == Values{-1, -1, 0, kInfinity, kInfinity});
  CHECK(values(log1p(tensor({-1, 0, 1e30, kInfinity}))) ==
        Values{-kInfinity, 0, double(std::log(1e30F)), kInfinity});
  CHECK(values(softplus(far)) == Values{0, 0, double(std::log(2.0F)), 1e4, kInfinity});
  Tensor x = tensor({-1e4, 1e4}).set_requires_grad();
  sum(elu(x) + softplus(x) + silu(x)).backward();
  CHECK(values(x.grad()) == Values{0, 3});
}
