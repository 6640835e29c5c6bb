// Attention against its definition written out, and its forms against each other.

#include "autograd/attention.h"

#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {

const std::vector<std::string> kBackends{"reference", "cpu"};
const Score kScores[] = {Score::dot, Score::euclidean, Score::additive};
constexpr DType f64 = DType::f64;

Values values(const Tensor& x) { return x.to_vector<double>(); }

void check_close(const Tensor& found, const Tensor& expected, double tolerance) {
  REQUIRE(found.shape() == expected.shape());
  const Values f = values(found), e = values(expected);
  for (std::size_t i = 0; i < f.size(); ++i) CHECK(std::abs(f[i] - e[i]) <= tolerance);
}

struct Inputs {
  Tensor q, k, v, weight;
};

// The same numbers on every backend.
Inputs inputs(const Shape& q, const Shape& k, const Shape& v, DType dtype, Backend& on) {
  manual_seed(12);
  const TensorOptions here{dtype, &on};
  const Tensor a = normal(q, 0, 1, here), b = normal(k, 0, 1, here), c = normal(v, 0, 1, here);
  return {a, b, c, normal({q[-1]}, 0, 1, here)};
}

// One query over keys k [n, d], in plain loops: the weights.
Values weights_of(Score score, const double* q, const Values& k, const Values& w) {
  const std::size_t d = w.size(), n = k.size() / d;
  Values result(n);
  double total = 0;
  for (std::size_t j = 0; j < n; ++j) {
    double dot = 0, squared = 0, additive = 0;
    for (std::size_t i = 0; i < d; ++i) {
      const double key = k[j * d + i];
      dot += q[i] * key;
      squared += (q[i] - key) * (q[i] - key);
      additive += w[i] * std::tanh(q[i] + key);
    }
    const double root = std::sqrt(static_cast<double>(d));
    const double s = score == Score::dot         ? dot / root
                     : score == Score::euclidean ? -0.5 * squared / root
                                                 : additive;
    total += result[j] = std::exp(s);
  }
  for (double& p : result) p /= total;
  return result;
}

}  // namespace

TEST_CASE("scores by name") {
  for (const Score score : kScores) CHECK(score_named(name_of(score)) == score);
  CHECK_FALSE(score_named("cosine").has_value());
}

TEST_CASE("weights and averages are those of the definition") {
  for (const std::string& on : kBackends) {
    for (const Score score : kScores) {
      INFO(on << " " << std::string(name_of(score)));
      const auto [q, k, v, w] = inputs({3, 5}, {7, 5}, {7, 2}, f64, backend(on));
      const AttentionOptions options{.score = score, .weight = w};
      const Values weights = values(attention_weights(q, k, options));
      const Values y = values(attention(q, k, v, options));
      const Values qs = values(q), ks = values(k), vs = values(v);
      for (std::size_t i = 0; i < 3; ++i) {
        const Values expected = weights_of(score, qs.data() + i * 5, ks, values(w));
        double total = 0, first = 0;
        for (std::size_t j = 0; j < 7; ++j) {
          CHECK(weights[i * 7 + j] == doctest::Approx(expected[j]).epsilon(1e-12));
          total += weights[i * 7 + j];
          first += expected[j] * vs[j * 2];
        }
        CHECK(total == doctest::Approx(1).epsilon(1e-14));
        CHECK(y[i * 2] == doctest::Approx(first).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("a mask is the same as leaving keys out; causal is a triangular mask") {
  for (const std::string& on : kBackends) {
    for (const Score score : kScores) {
      const auto [q, k, v, w] = inputs({4, 3}, {4, 3}, {4, 2}, f64, backend(on));
      const TensorOptions here{f64, &backend(on)};
      const Tensor mask = tensor({1, 1, 0, 0}, here) > 0;
      check_close(attention(q, k, v, {.score = score, .weight = w, .mask = mask}),
                  attention(q, slice(k, 0, 0, 2), slice(v, 0, 0, 2), {.score = score, .weight = w}),
                  1e-14);
      const Tensor triangle =
          tensor({{1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 0}, {1, 1, 1, 1}}, here) > 0;
      check_close(attention(q, k, v, {.score = score, .weight = w, .causal = true}),
                  attention(q, k, v, {.score = score, .weight = w, .mask = triangle}), 0);
    }
  }
}

TEST_CASE("packed attention is attention within each segment, gradients too") {
  const Segments texts({0, 17, 17, 18, 50});
  for (const std::string& on : kBackends) {
    for (const Score score : kScores) {
      for (const bool causal : {false, true}) {
        INFO(on << " " << std::string(name_of(score)) << (causal ? " causal" : ""));
        const auto [a, b, c, w] = inputs({50, 2, 6}, {50, 2, 6}, {50, 2, 6}, f64, backend(on));
        Tensor q = a, k = b, v = c;
        for (Tensor* x : {&q, &k, &v}) x->set_requires_grad();
        const AttentionOptions options{.score = score, .weight = w, .causal = causal};
        const Tensor y = attention(q, k, v, texts, options);
        std::vector<Tensor> parts;
        for (std::int64_t s = 0; s < texts.count(); ++s) {
          const auto own = [&](const Tensor& x) {  // [heads, rows, d]
            return transpose(slice(x, 0, texts.begin(s), texts.end(s)), 0, 1);
          };
          parts.push_back(transpose(attention(own(q), own(k), own(v), options), 0, 1));
        }
        const Tensor expected = concat(parts, 0);
        check_close(y, expected, 1e-13);
        const Tensor g = sin(arange(y.numel(), {f64, &backend(on)}));
        const BackwardOptions with{.gradient = reshape(g, y.shape())};
        const std::vector<Tensor> found = grad({y}, {q, k, v}, with);
        const std::vector<Tensor> want = grad({expected}, {q, k, v}, with);
        for (std::size_t i = 0; i < 3; ++i) check_close(found[i], want[i], 1e-12);
      }
    }
  }
}

TEST_CASE("in f32 a backend's kernel keeps close to the definition in f64") {
  const Segments texts({0, 90, 91, 91, 300});
  for (const Score score : {Score::dot, Score::euclidean}) {
    const Shape shape{300, 3, 16};
    std::vector<std::vector<Tensor>> results;
    for (const auto& [on, dtype] : {std::pair{"reference", f64}, std::pair{"cpu", DType::f32}}) {
      const auto [a, b, c, w] = inputs(shape, shape, shape, dtype, backend(on));
      Tensor q = a, k = b, v = c;
      for (Tensor* x : {&q, &k, &v}) x->set_requires_grad();
      const Tensor y = attention(q, k, v, texts, {.score = score});
      std::vector<Tensor> all = grad({sum(y * y)}, {q, k, v});
      all.push_back(y.detach());
      results.push_back(all);
    }
    // Averages over up to 209 keys of numbers about 1, and gradients of their squares: f32 keeps
    // about 1e-6 of each.
    for (std::size_t i = 0; i < 4; ++i) check_close(results[1][i], results[0][i], 2e-5);
  }
}

TEST_CASE("pooling: one query a text, or one for all") {
  const Segments texts({0, 4, 4, 6});
  for (const std::string& on : kBackends) {
    for (const Score score : kScores) {
      INFO(on << " " << std::string(name_of(score)));
      const auto [q, k, v, w] = inputs({3, 1, 5}, {6, 1, 5}, {6, 1, 2}, f64, backend(on));
      const AttentionOptions options{.score = score, .weight = w};
      const Tensor weights = pooling_weights(q, k, texts, options);
      const Tensor pooled = pool(weights, v, texts);
      CHECK(weights.shape() == Shape{6, 1});
      CHECK(pooled.shape() == Shape{3, 1, 2});
      CHECK(values(select(pooled, 0, 1)) == Values{0, 0});  // the empty text
      for (const std::int64_t s : {0, 2}) {
        const Tensor keys = slice(k, 0, texts.begin(s), texts.end(s));
        const Values query = values(select(q, 0, s));
        const Values expected = weights_of(score, query.data(), values(keys), values(w));
        const Values found = values(slice(weights, 0, texts.begin(s), texts.end(s)));
        for (std::size_t j = 0; j < found.size(); ++j) {
          CHECK(found[j] == doctest::Approx(expected[j]).epsilon(1e-12));
        }
      }
      const Tensor first = slice(q, 0, 0, 1);
      check_close(pooling_weights(first, k, texts, options),
                  pooling_weights(expand(first, {3, 1, 5}), k, texts, options), 1e-15);
    }
  }
}

TEST_CASE("attention refuses shapes that do not go together") {
  const Segments texts({0, 2, 5});
  const Tensor x = ones({5, 2, 4});
  CHECK_THROWS_AS(attention(x, x, ones({5, 3, 4}), texts), ShapeError);
  CHECK_THROWS_AS(attention(ones({4, 2, 4}), x, x, texts), ShapeError);
  CHECK_THROWS_AS(attention(x, x, x, Segments({0, 4})), ShapeError);
  CHECK_THROWS_AS(attention(x, x, x, texts, {.mask = ones({5, 5}) > 0}), Error);
  CHECK_THROWS_AS(attention_scores(ones({2, 3}), ones({2, 4})), ShapeError);
  CHECK_THROWS_AS(attention_scores(ones({3}), ones({3})), ShapeError);
  CHECK_THROWS_AS(pooling_weights(ones({3, 2, 4}), x, texts), ShapeError);
  CHECK_THROWS_AS(pool(ones({1, 2}), x, texts), ShapeError);
  CHECK_THROWS_AS(pool(ones({5, 1}), x, texts), ShapeError);
}

TEST_CASE("distances keep their digits far from the origin, and bend where points meet") {
  manual_seed(1);
  const Tensor a = normal({4, 8}) + 100, b = normal({5, 8}) + 100;
  const Tensor exact = sum(square(unsqueeze(a, -2) - unsqueeze(b, -3)), -1);
  CHECK(max(abs(squared_distance(a, b) / exact - 1)).item() < 1e-5);
  CHECK(squared_distance(a, zeros({0, 8})).shape() == Shape{4, 0});
  // ||p - p||^2: slope 0, second derivatives 2
  Tensor p = tensor({{1, 2}}, {f64}).set_requires_grad();
  const Tensor distance = sum(squared_distance(p, p.detach()));
  const Tensor slope = grad({distance}, {p}, {.create_graph = true})[0];
  CHECK(slope.to_vector<double>() == std::vector<double>{0, 0});
  CHECK(grad({sum(slope)}, {p})[0].to_vector<double>() == std::vector<double>{2, 2});
}

TEST_CASE("Euclidean attention keeps its digits far from the origin") {
  manual_seed(4);
  const AttentionOptions euclidean{.score = Score::euclidean};
  const Tensor q = normal({6, 2, 8}) + 100, k = normal({6, 2, 8}) + 100, v = normal({6, 2, 8});
  const auto heads_first = [](const Tensor& x) {
    return to(transpose(x, 0, 1), {.dtype = DType::f64});
  };
  const Tensor exact = transpose(
      matmul(attention_weights(heads_first(q), heads_first(k), euclidean), heads_first(v)), 0, 1);
  const auto error = [&](const Tensor& y) { return max(abs(cast(y, DType::f64) - exact)).item(); };
  CHECK(error(attention(q, k, v, Segments({0, 6}), euclidean)) < 2e-6);
  CHECK(error(transpose(
            attention(transpose(q, 0, 1), transpose(k, 0, 1), transpose(v, 0, 1), euclidean), 0,
            1)) < 2e-6);
}

TEST_CASE(
    "Euclidean attention keeps its digits in causal order, where the first keys are padding") {
  manual_seed(4);
  const Tensor q = normal({2, 6, 8}) + 100, k = normal({2, 6, 8}) + 100, v = normal({2, 6, 8});
  const Tensor place = arange(6, {DType::i32}), row = reshape(place, {6, 1});
  const Tensor hidden = reshape(tensor({0, 2}, {DType::i32}), {2, 1, 1});  // keys of each item
  const auto attend = [&](DType dtype, const Tensor& mask, bool causal) {
    const auto as = [dtype](const Tensor& x) { return cast(x, dtype); };
    return attention(as(q), as(k), as(v),
                     {.score = Score::euclidean, .mask = mask, .causal = causal});
  };
  const Tensor exact = attend(f64, place >= hidden && place <= row, false);
  for (const Tensor& mask : {place >= hidden, expand(place >= hidden, {2, 6, 6})}) {
    CHECK(max(abs(cast(attend(DType::f32, mask, true), f64) - exact)).item() < 2e-6);
  }
}

TEST_CASE("Euclidean attention does not see what is hidden, not in its last digit") {
  const double nan = std::nan("");
  for (const std::string& on : kBackends) {
    manual_seed(7);
    const TensorOptions here{DType::f32, &backend(on)};
    const Tensor q = normal({2, 6, 8}, 0, 1, here), k = normal({2, 6, 8}, 0, 1, here);
    const Tensor v = normal({2, 6, 3}, 0, 1, here), place = arange(6, {DType::i32, &backend(on)});
    // k with its keys from `first` on filled with a value.
    const auto spoiled = [&](std::int64_t first, double value) {
      return where(unsqueeze(place, 1) >= first, value, k);
    };
    const auto rows = [](const Tensor& x, std::int64_t n) { return slice(x, -2, 0, n); };
    const auto relative = [](const Tensor& found, const Tensor& expected) {
      return (max(abs(found - expected)) / max(abs(expected))).item();
    };
    const AttentionOptions euclidean{.score = Score::euclidean};
    const AttentionOptions causal{.score = Score::euclidean, .causal = true};
    const Tensor alone = attention(q, rows(k, 4), rows(v, 4), euclidean);
    const Tensor weights = attention_weights(q, rows(k, 4), euclidean);
    const Tensor before = attention(rows(q, 4), rows(k, 4), rows(v, 4), causal);
    for (const double value : {1.0, 1000.0, 1e4, 1e30, kInfinity, nan}) {
      INFO(on << " " << value);
      const Tensor keys = spoiled(4, value);
      // The last two keys hidden by a mask, in all its shapes; 0 * NaN is NaN in the weights' product.
      const Tensor seen = place < 4;
      for (const Tensor& mask : {seen, unsqueeze(seen, 0), expand(seen, {6, 6}),
                                 expand(seen, {2, 1, 6}), expand(seen, {2, 6, 6})}) {
        const AttentionOptions masked{.score = Score::euclidean, .mask = mask};
        CHECK(relative(attention(q, keys, v, masked), alone) < 1e-5);
        CHECK(relative(slice(attention_weights(q, keys, masked), -1, 0, 4), weights) < 1e-5);
        CHECK(values(attention(q, keys, v, masked)) == values(attention(q, k, v, masked)));
      }
      // Later keys.
      CHECK(relative(rows(attention(q, keys, v, causal), 4), before) < 1e-5);
      CHECK(values(rows(attention(q, keys, v, causal), 4)) ==
            values(rows(attention(q, k, v, causal), 4)));
      // Another text's keys, in a packed batch [rows, heads, d].
      for (const AttentionOptions& options : {euclidean, causal}) {
        const auto packed = [&](const Tensor& x) { return transpose(x, 0, 1); };
        const Segments texts({0, 0, 4, 4, 6, 6});
        const auto of_first = [&](const Tensor& from) {
          return slice(attention(packed(q), packed(from), packed(v), texts, options), 0, 0, 4);
        };
        const Tensor expected = packed(attention(rows(q, 4), rows(k, 4), rows(v, 4), options));
        CHECK(relative(of_first(keys), expected) < 1e-5);
        CHECK(values(of_first(keys)) == values(of_first(k)));
      }
    }
  }
}
