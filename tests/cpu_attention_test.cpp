// Packed attention of the CPU backend and its gradient, against plain loops in double.
#include <fmt/format.h>

#include <limits>

#include "tensor/error.h"
#include "tests/cpu_support.h"

using namespace gradus;
using namespace gradus::test;

namespace {

struct Case {
  std::vector<std::int32_t> offsets;
  std::int64_t heads, dim, value_dim;
  bool sliced = false;  // q, k and v are columns of one [tokens, ...] product
  double masked = 0;    // the part of the keys that are masked by a bias of -inf

  std::int64_t tokens() const { return offsets.back(); }
};

struct Inputs {
  Owned q, k, v, bias, offsets, g;
  double scale;

  AttentionInputs views() const { return {q, k, v, bias, offsets, {}, scale}; }
};

Inputs inputs_of(const Case& c, DType dtype) {
  const std::int64_t t = c.tokens(), row = c.heads * (2 * c.dim + c.value_dim);
  const auto part = [&](std::int64_t column, std::int64_t dim, std::uint64_t seed) {
    Layout layout(Shape{t, c.heads, dim});
    if (c.sliced) {
      layout.strides = {row, dim, 1};
      layout.offset = column;
    }
    return numbers(dtype, layout, -2, 2, seed);
  };
  Inputs in{part(0, c.dim, 1),
            part(c.heads * c.dim, c.dim, 2),
            part(2 * c.heads * c.dim, c.value_dim, 3),
            numbers(dtype, Layout(Shape{t, c.heads}), -1, 1, 4),
            blank(DType::i32, Shape{static_cast<std::int64_t>(c.offsets.size())}),
            numbers(dtype, Layout(Shape{t, c.heads, c.value_dim}), -1, 1, 5),
            0.4};
  cpu().upload(c.offsets.data(), in.offsets);
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* bias = data_of<T>(in.bias.view);
    for (std::int64_t i = 0; i < t * c.heads; ++i) {
      const bool masked = to_uniform(philox(9, 9, static_cast<std::uint64_t>(i))[0]) < c.masked;
      if (masked) bias[i] = -std::numeric_limits<T>::infinity();
    }
  });
  return in;
}

// A [tokens, heads, dim] array of doubles.
struct Array {
  std::vector<double> data;
  std::int64_t heads, dim;

  Array(const View& view, std::int64_t h, std::int64_t d) : data(values(view)), heads(h), dim(d) {}
  Array(std::int64_t tokens, std::int64_t h, std::int64_t d)
      : data(static_cast<std::size_t>(tokens * h * d)), heads(h), dim(d) {}
  double& at(std::int64_t t, std::int64_t h, std::int64_t i) {
    return data[static_cast<std::size_t>((t * heads + h) * dim + i)];
  }
};

struct Results {
  Array y, log_sum, dq, dk, dv, dbias;
};

// With p the weights: dp = g v^T, ds = p * (dp - sum(p * dp)); dq = scale ds k, dk = scale ds^T q,
// dv = p^T g, dbias = the sums of the columns of ds.
Results definition(const Case& c, const Inputs& in) {
  const std::int64_t t = c.tokens(), heads = c.heads;
  Array q(in.q, heads, c.dim), k(in.k, heads, c.dim), v(in.v, heads, c.value_dim);
  Array bias(in.bias, heads, 1), g(in.g, heads, c.value_dim);
  Results r{Array(t, heads, c.value_dim), Array(t, heads, 1),           Array(t, heads, c.dim),
            Array(t, heads, c.dim),       Array(t, heads, c.value_dim), Array(t, heads, 1)};
  for (std::size_t s = 0; s + 1 < c.offsets.size(); ++s) {
    const std::int64_t begin = c.offsets[s], end = c.offsets[s + 1];
    for (std::int64_t h = 0; h < heads; ++h) {
      for (std::int64_t i = begin; i < end; ++i) {
        std::vector<double> p, dp;
        double largest = -kInfinity, sum = 0, average = 0;
        for (std::int64_t j = begin; j < end; ++j) {
          double score = bias.at(j, h, 0), product = 0;
          for (std::int64_t d = 0; d < c.dim; ++d)
            score += in.scale * q.at(i, h, d) * k.at(j, h, d);
          for (std::int64_t d = 0; d < c.value_dim; ++d) product += g.at(i, h, d) * v.at(j, h, d);
          p.push_back(score);
          dp.push_back(product);
          largest = std::max(largest, score);
        }
        for (double& x : p) sum += x = largest == -kInfinity ? 0 : std::exp(x - largest);
        r.log_sum.at(i, h, 0) = largest + std::log(sum);
        for (double& x : p) x = sum == 0 ? 0 : x / sum;
        for (std::size_t j = 0; j < p.size(); ++j) average += p[j] * dp[j];
        for (std::int64_t j = begin; j < end; ++j) {
          const double w = p[static_cast<std::size_t>(j - begin)];
          const double ds = w * (dp[static_cast<std::size_t>(j - begin)] - average);
          r.dbias.at(j, h, 0) += ds;
          for (std::int64_t d = 0; d < c.value_dim; ++d) {
            r.y.at(i, h, d) += w * v.at(j, h, d);
            r.dv.at(j, h, d) += w * g.at(i, h, d);
          }
          for (std::int64_t d = 0; d < c.dim; ++d) {
            r.dq.at(i, h, d) += in.scale * ds * k.at(j, h, d);
            r.dk.at(j, h, d) += in.scale * ds * q.at(i, h, d);
          }
        }
      }
    }
  }
  return r;
}

void check(const View& mine, const Array& exact, double tolerance, const std::string& what) {
  Owned copy = blank(DType::f64, mine.shape());
  if (!exact.data.empty()) cpu().upload(exact.data.data(), copy);
  check_close(mine, copy, tolerance, tolerance, what);
}

}  // namespace

TEST_CASE("cpu: packed attention and its gradient agree with the definition") {
  const std::vector<Case> cases{
      {{0, 5}, 1, 4, 4},
      {{0, 1, 4, 4, 9}, 2, 3, 3},                      // an empty segment
      {{0, 0, 0}, 2, 3, 3},                            // nothing
      {{0, 30, 97}, 4, 32, 32, true},                  // columns of one product
      {{0, 300, 1000, 1001}, 2, 8, 5, true},           // several tiles of queries and keys
      {{0, 7, 20}, 3, 5, 6, false, 0.5},               // some keys masked
      {{0, 600}, 1, 4, 4, false, 0.95},                // most
      {{0, 3, 9, 300}, 2, 5, 6, true, 1.0},            // all: zeros, not NaN
      {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 2, 2, 1}};  // one token each
  for (DType dtype : {DType::f32, DType::f64}) {
    for (const Case& c : cases) {
      const Inputs in = inputs_of(c, dtype);
      const Shape qk{c.tokens(), c.heads, c.dim}, vy{c.tokens(), c.heads, c.value_dim};
      const Shape th{c.tokens(), c.heads};
      const Owned y = blank(dtype, vy), log_sum = blank(dtype, th);
      const Owned dq = blank(dtype, qk), dk = blank(dtype, qk), dv = blank(dtype, vy);
      const Owned dbias = blank(dtype, th);
      REQUIRE(cpu().attention(in.views(), y, log_sum));
      REQUIRE(cpu().attention_gradient(in.views(), y, log_sum, in.g, {dq, dk, dv, dbias}));
      const Results exact = definition(c, in);
      const double tolerance = dtype == DType::f64 ? 1e-12 : 2e-5;
      const std::string what =
          fmt::format("{} {} tokens, {} masked", name_of(dtype), c.tokens(), c.masked);
      check(y, exact.y, tolerance, what + " y");
      check(log_sum, exact.log_sum, tolerance, what + " log_sum");
      check(dq, exact.dq, tolerance, what + " dq");
      check(dk, exact.dk, tolerance, what + " dk");
      check(dv, exact.dv, tolerance, what + " dv");
      check(dbias, exact.dbias, tolerance, what + " dbias");
    }
  }
}

TEST_CASE("cpu: attention without biases, with huge scores, and NaN") {
  const Case c{{0, 6}, 1, 2, 2};
  Inputs in = inputs_of(c, DType::f32);
  const Owned y = blank(DType::f32, Shape{6, 1, 2}), log_sum = blank(DType::f32, Shape{6, 1});
  const Owned with_bias = blank(DType::f32, Shape{6, 1, 2});
  cpu().fill(in.bias, 0);
  REQUIRE(cpu().attention(in.views(), with_bias, log_sum));
  REQUIRE(cpu().attention({in.q, in.k, in.v, {}, in.offsets, {}, 0.4}, y, log_sum));
  check_same(y, with_bias, "no bias is a bias of 0");
  REQUIRE(cpu().attention({in.q, in.k, in.v, {}, in.offsets, {}, 1e4}, y, log_sum));
  for (double value : values(y)) CHECK(std::isfinite(value));
  data_of<float>(in.q.view)[0] = std::numeric_limits<float>::quiet_NaN();  // of the first query
  REQUIRE(cpu().attention({in.q, in.k, in.v, {}, in.offsets, {}, 0.4}, y, log_sum));
  CHECK(std::isnan(values(y)[0]));
  CHECK(std::isfinite(values(y)[2]));
}

TEST_CASE("cpu: attention refuses offsets that do not cover the tokens") {
  for (const std::vector<std::int32_t>& offsets :
       {std::vector<std::int32_t>{0, 5}, {1, 6}, {0, 7}, {0, 4, 3, 6}}) {
    Case c{{0, 6}, 1, 2, 2};
    Inputs in = inputs_of(c, DType::f32);
    in.offsets = blank(DType::i32, Shape{static_cast<std::int64_t>(offsets.size())});
    cpu().upload(offsets.data(), in.offsets);
    const Owned y = blank(DType::f32, Shape{6, 1, 2}), log_sum = blank(DType::f32, Shape{6, 1});
    CHECK_THROWS_AS(cpu().attention(in.views(), y, log_sum), IndexError);
  }
}
