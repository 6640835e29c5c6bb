// The fused kernels of the CPU backend against their definitions in double, and the promise that
// results do not depend on the number of threads. (Attention has a file of its own.)
#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tests/cpu_support.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// Rows of softmax: everyday numbers, +-1e4, -inf among others, and nothing but -inf.
Owned logits(DType dtype, std::int64_t n) {
  Owned x = numbers(dtype, Layout(Shape{8, n}), -5, 5);
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* data = data_of<T>(x.view);
    for (std::int64_t i = 0; i < n; ++i) {
      data[n + i] *= 2000;
      data[2 * n + i] += 10000;
      if (i % 3 == 0) data[3 * n + i] = -std::numeric_limits<T>::infinity();
      data[4 * n + i] = -std::numeric_limits<T>::infinity();
    }
  });
  return x;
}

// All that batch_norm and its gradient write, for x of this shape.
std::vector<Owned> batch_normed(const Shape& shape) {
  const auto some = [](const Shape& of) { return numbers(DType::f32, Layout(of)); };
  const Owned x = some(shape), w = some(Shape{shape[1]});
  std::vector<Owned> r;
  for (int i = 0; i < 6; ++i) r.push_back(blank(DType::f32, i < 2 ? shape : Shape{shape[1]}));
  CHECK(cpu().batch_norm(x, w, w, 1e-5, r[0], r[2], r[3]));
  CHECK(cpu().batch_norm_gradient(x, w, r[2], r[3], 1e-5, r[0], r[1], r[4], r[5]));
  return r;
}

Owned as_doubles(const std::vector<double>& list, const Shape& shape) {
  Owned result = blank(DType::f64, shape);
  cpu().upload(list.data(), result);
  return result;
}

}  // namespace

TEST_CASE("cpu: uniform numbers are the bits of Philox, and dropout keeps by them") {
  for (std::int64_t n : {0, 1, 3, 4, 37, 1024, 100003, 8400003}) {  // the last: 32 MiB
    for (DType dtype : {DType::f32, DType::f64}) {
      if (n > 1000000 && dtype == DType::f64) continue;
      const std::uint64_t seed = 0x123456789ABCDEF0, stream = 0x1000000002;
      const Owned u = blank(dtype, Shape{n}), y = blank(dtype, Shape{n});
      const Owned x = numbers(dtype, Layout(Shape{n}));
      REQUIRE(cpu().uniform(seed, stream, u));
      REQUIRE(cpu().dropout(x, 0.3, seed, stream, y));
      const std::vector<double> got = values(u), dropped = values(y), from = values(x);
      bool same = true, kept = true;
      for (std::size_t i = 0; i < got.size(); ++i) {
        const float expected = to_uniform(philox(seed, stream, i / 4)[i % 4]);
        same = same && got[i] == double{expected};
        const double y_i = expected >= 0.3f ? from[i] / 0.7 : 0;
        kept = kept && std::abs(dropped[i] - y_i) <= 1e-6 * std::abs(y_i);
      }
      CHECK(same);
      CHECK(kept);
    }
  }
}

TEST_CASE("cpu: softmax, log_softmax and their gradients agree with their definitions") {
  for (DType dtype : {DType::f32, DType::f64}) {
    for (std::int64_t n : {1, 2, 3, 15, 16, 17, 100, 1025, 4099}) {
      const Owned x = logits(dtype, n), g = numbers(dtype, Layout(Shape{8, n}), -1, 1, 2);
      const std::vector<double> in = values(x), grad = values(g);
      std::vector<double> p(in.size()), log_p(in.size()), dp(in.size()), dlog_p(in.size());
      for (std::size_t begin = 0; begin < in.size(); begin += static_cast<std::size_t>(n)) {
        const std::size_t end = begin + static_cast<std::size_t>(n);
        double largest = -kInfinity, sum = 0, dot = 0, sum_g = 0;
        for (std::size_t i = begin; i < end; ++i) largest = std::max(largest, in[i]);
        const bool empty = largest == -kInfinity;
        for (std::size_t i = begin; i < end; ++i) sum += empty ? 0 : std::exp(in[i] - largest);
        for (std::size_t i = begin; i < end; ++i) {
          p[i] = empty ? 0 : std::exp(in[i] - largest) / sum;
          log_p[i] = empty ? -kInfinity : in[i] - largest - std::log(sum);
          dot += grad[i] * p[i];
          sum_g += grad[i];
        }
        for (std::size_t i = begin; i < end; ++i) {
          dp[i] = p[i] * (grad[i] - dot);
          dlog_p[i] = grad[i] - p[i] * sum_g;
        }
      }
      const Shape shape{8, n};
      const double tolerance = dtype == DType::f64 ? 1e-13 : 4e-6;
      const Owned y = blank(dtype, shape), dx = blank(dtype, shape);
      const std::string what = fmt::format("{} [8, {}] ", name_of(dtype), n);
      REQUIRE(cpu().softmax(x, y));
      check_close(y, as_doubles(p, shape), tolerance, 1e-30, what + "softmax");
      REQUIRE(cpu().softmax_gradient(y, g, dx));
      check_close(dx, as_doubles(dp, shape), tolerance, tolerance, what + "softmax gradient");
      REQUIRE(cpu().log_softmax(x, y));
      check_close(y, as_doubles(log_p, shape), tolerance, tolerance, what + "log_softmax");
      REQUIRE(cpu().log_softmax_gradient(y, g, dx));
      check_close(dx, as_doubles(dlog_p, shape), tolerance, tolerance * 20,
                  what + "log_softmax gradient");
    }
  }
}

// Together the rows are 32 MiB, written past the caches; by themselves they are not.
TEST_CASE("cpu: softmaxes of many rows have the bits of each row's own") {
  const std::int64_t rows = 2100, n = 4016;
  const Shape shape{rows, n};
  const Owned x = numbers(DType::f32, Layout(shape)),
              g = numbers(DType::f32, Layout(shape), -1, 1, 2);
  const auto row = [](View view, std::int64_t r) {
    view.layout = view.layout.sliced(0, r, r + 1, 1);
    return view;
  };
  const auto check = [&](const char* what, const auto& call) {
    const Owned all = blank(DType::f32, shape);
    REQUIRE(call(x.view, g.view, all.view));
    for (std::int64_t r = 0; r < rows; r += 89) {
      const Owned one = blank(DType::f32, Shape{1, n});
      REQUIRE(call(row(x, r), row(g, r), one.view));
      check_same(row(all, r), one, what);
    }
  };
  check("softmax",
        [](const View& a, const View&, const View& out) { return cpu().softmax(a, out); });
  check("log_softmax",
        [](const View& a, const View&, const View& out) { return cpu().log_softmax(a, out); });
  check("softmax gradient", [](const View& a, const View& b, const View& out) {
    return cpu().softmax_gradient(a, b, out);
  });
  check("log_softmax gradient", [](const View& a, const View& b, const View& out) {
    return cpu().log_softmax_gradient(a, b, out);
  });
}

// With n = (x - mean) * rstd and h = g * weight:
// dx = rstd * (h - average(h) - n * average(h * n)), dweight = sum(g * n), dbias = sum(g).
TEST_CASE("cpu: layer_norm and its gradient agree with their definitions") {
  for (DType dtype : {DType::f32, DType::f64}) {
    for (const Shape& shape : {Shape{5, 1}, Shape{0, 4}, Shape{1, 7}, Shape{700, 128},
                               Shape{33, 1030}, Shape{3, 5, 17}}) {
      const std::int64_t dim = shape[-1], rows = shape.numel() / dim;
      const Owned x = numbers(dtype, Layout(shape), 99, 103),
                  g = numbers(dtype, Layout(shape), -1, 1, 2);
      const Owned w = numbers(dtype, Layout(Shape{dim}), 0.5, 2, 3),
                  b = numbers(dtype, Layout(Shape{dim}), -1, 1, 4);
      const std::vector<double> in = values(x), grad = values(g), weight = values(w),
                                bias = values(b);
      std::vector<double> y(in.size()), dx(in.size()), dw(weight.size()), db(weight.size());
      const auto size = static_cast<std::size_t>(dim);
      for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
        double mean = 0, variance = 0, h = 0, hn = 0;
        for (std::size_t i = 0; i < size; ++i) mean += in[r * size + i] / static_cast<double>(dim);
        for (std::size_t i = 0; i < size; ++i)
          variance += std::pow(in[r * size + i] - mean, 2) / static_cast<double>(dim);
        const double rstd = 1 / std::sqrt(variance + 1e-5);
        const auto n = [&](std::size_t i) { return (in[r * size + i] - mean) * rstd; };
        for (std::size_t i = 0; i < size; ++i) {
          y[r * size + i] = n(i) * weight[i] + bias[i];
          h += grad[r * size + i] * weight[i] / static_cast<double>(dim);
          hn += grad[r * size + i] * weight[i] * n(i) / static_cast<double>(dim);
          dw[i] += grad[r * size + i] * n(i);
          db[i] += grad[r * size + i];
        }
        for (std::size_t i = 0; i < size; ++i) {
          dx[r * size + i] = rstd * (grad[r * size + i] * weight[i] - h - n(i) * hn);
        }
      }
      const Owned out = blank(dtype, shape), mean = blank(dtype, shape.without(-1)),
                  rstd = blank(dtype, shape.without(-1));
      const Owned dx_out = blank(dtype, shape), dw_out = blank(dtype, Shape{dim}),
                  db_out = blank(dtype, Shape{dim});
      REQUIRE(cpu().layer_norm(x, w, b, 1e-5, out, mean, rstd));
      REQUIRE(cpu().layer_norm_gradient(x, w, mean, rstd, g, dx_out, dw_out, db_out));
      const double tolerance =
          dtype == DType::f64 ? 1e-10 : 2e-4;  // x is 100: 1e-5 of it is rounding
      const std::string what = fmt::format("{} {} ", name_of(dtype), to_string(shape));
      if (dim > 1) {
        check_close(out, as_doubles(y, shape), tolerance, tolerance, what + "y");
        check_close(dx_out, as_doubles(dx, shape), tolerance, tolerance, what + "dx");
      }
      check_close(dw_out, as_doubles(dw, Shape{dim}), tolerance, tolerance * 20, what + "dweight");
      check_close(db_out, as_doubles(db, Shape{dim}), tolerance, tolerance, what + "dbias");
    }
  }
}

TEST_CASE("cpu: results are the same bits for any number of threads") {
  const int before = num_threads();
  const auto everything = [] {
    std::vector<double> all;
    const auto keep = [&all](const Owned& out) {
      for (double value : values(out)) all.push_back(value);
    };
    const auto run = [&](const Shape& shape, const auto& method) {
      const Owned out = blank(DType::f32, shape);
      method(out);
      keep(out);
    };
    const Owned x = numbers(DType::f32, Layout(Shape{901, 403})),
                y = numbers(DType::f32, Layout(Shape{403, 77}));
    const Owned wide = numbers(DType::f32, Layout(Shape{9, 9001})),
                tall = numbers(DType::f32, Layout(Shape{9001, 5}));
    const Owned rows = numbers(DType::i32, Layout(Shape{901}), 0, 50);
    const Owned weight = numbers(DType::f32, Layout(Shape{403}));
    run(Shape{901, 403}, [&](const View& out) { cpu().unary(UnaryOp::exp, x, out); });
    run(Shape{901, 403}, [&](const View& out) { cpu().binary(BinaryOp::pow, x, x, out); });
    for (const Shape& shape : {Shape{1, 1}, Shape{901, 1}, Shape{1, 403}}) {
      run(shape, [&](const View& out) { cpu().reduce(ReduceOp::sum, x, out); });
    }
    run(Shape{901, 77}, [&](const View& out) { cpu().matmul(x, y, out); });
    run(Shape{9, 5}, [&](const View& out) { cpu().matmul(wide, tall, out); });
    run(Shape{50, 403}, [&](const View& out) {
      cpu().fill(out, 0);
      cpu().scatter(ScatterOp::add, rows, x, out);
    });
    run(Shape{901, 403}, [&](const View& out) { CHECK(cpu().dropout(x, 0.5, 1, 2, out)); });
    run(Shape{901, 403}, [&](const View& out) { CHECK(cpu().log_softmax(x, out)); });
    const Owned out = blank(DType::f32, Shape{901, 403}), mean = blank(DType::f32, Shape{901}),
                rstd = blank(DType::f32, Shape{901});
    const Owned dw = blank(DType::f32, Shape{403}), db = blank(DType::f32, Shape{403});
    CHECK(cpu().layer_norm(x, weight, weight, 1e-5, out, mean, rstd));
    CHECK(cpu().layer_norm_gradient(x, weight, mean, rstd, x, out, dw, db));
    keep(out), keep(dw), keep(db);
    Owned offsets = blank(DType::i32, Shape{4});
    const std::vector<std::int32_t> cuts{0, 300, 310, 901};
    cpu().upload(cuts.data(), offsets);
    const Owned q = numbers(DType::f32, Layout(Shape{901, 3, 8}));
    const Owned a = blank(DType::f32, Shape{901, 3, 8}), log_sum = blank(DType::f32, Shape{901, 3}),
                dbias = blank(DType::f32, Shape{901, 3});
    const Owned dq = blank(DType::f32, Shape{901, 3, 8}), dk = blank(DType::f32, Shape{901, 3, 8}),
                dv = blank(DType::f32, Shape{901, 3, 8});
    const Owned bias = numbers(DType::f32, Layout(Shape{901, 3}));
    const AttentionInputs in{q, q, q, bias, offsets, {}, 0.3};
    CHECK(cpu().attention(in, a, log_sum));
    CHECK(cpu().attention_gradient(in, a, log_sum, q, {dq, dk, dv, dbias}));
    keep(a), keep(log_sum), keep(dq), keep(dk), keep(dv), keep(dbias);
    const Owned images = numbers(DType::f32, Layout(Shape{3, 5, 30, 40})),
                filters = numbers(DType::f32, Layout(Shape{70, 5, 3, 3})),
                dimages = blank(DType::f32, Shape{3, 5, 30, 40}),
                dfilters = blank(DType::f32, Shape{70, 5, 3, 3});
    for (const std::int64_t stride : {1, 2}) {
      const Shape shape{3, 70, 30 / stride, 40 / stride};
      const Owned seen = blank(DType::f32, shape);
      CHECK(cpu().conv2d(images, filters, {}, stride, 1, seen));
      CHECK(cpu().conv2d_gradient(images, filters, stride, 1, seen, dimages, dfilters, {}));
      keep(seen), keep(dimages), keep(dfilters);
    }
    for (const Shape& shape : {Shape{901, 403, 1}, Shape{6, 70, 33}, Shape{5, 0, 1}}) {
      for (const Owned& result : batch_normed(shape)) keep(result);
    }
    const Owned p = numbers(DType::f32, Layout(Shape{901, 403})),
                m = numbers(DType::f32, Layout(Shape{901, 403})),
                v = numbers(DType::f32, Layout(Shape{901, 403}), 0, 3);
    CHECK(cpu().adam({.lr = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8}, {}, x, p, m, v));
    keep(p), keep(m), keep(v);
    return all;
  };
  set_num_threads(1);
  const std::vector<double> one = everything();
  for (int threads : {2, 3, 8}) {
    set_num_threads(threads);
    const std::vector<double> many = everything();
    REQUIRE(many.size() == one.size());
    CHECK(std::memcmp(many.data(), one.data(), one.size() * sizeof(double)) == 0);
  }
  set_num_threads(before);
}
