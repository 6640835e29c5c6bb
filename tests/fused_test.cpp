// Every fused kernel against its definition: the same operation on the CPU backend and on the
// reference backend, which takes no offers - values and gradients, in sizes that cross the kernels'
// tiles, with masks, dropout, strides and broadcasts. (Small sizes, gradcheck and second-order
// gradients are the op table's.)
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "autograd/bags.h"
#include "autograd/gradcheck.h"
#include "autograd/gradient.h"
#include "autograd/ops.h"
#include "optim/adam.h"
#include "tensor/error.h"
#include "tensor/random.h"
#include "tests/fused_support.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("fused: gradients of unary operations") {
  manual_seed(7);
  using Op = Tensor (*)(const Tensor&);
  const std::vector<std::pair<const char*, Op>> ops{
      {"relu", relu}, {"tanh", tanh}, {"sigmoid", sigmoid}, {"erf", erf}, {"gelu", gelu}};
  for (const auto& [name, op] : ops) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{5}, Shape{33, 17}, Shape{3, 12000}}) {
      check_same(fmt::format("{} {}", name, to_string(shape)),
                 [op = op](const std::vector<Tensor>& in) { return op(in[0]); }, {some(shape) * 3});
    }
    check_same(fmt::format("{} transposed and broadcast", name),
               [op = op](const std::vector<Tensor>& in) {
                 return op(expand(transpose(in[0]), {4, 90, 70})) * transpose(in[1]);
               },
               {some({70, 90}), some({70, 90})});
  }
}

TEST_CASE("fused: softmax_cross_entropy") {
  manual_seed(2);
  for (const auto& [rows, classes] : std::vector<std::array<std::int64_t, 2>>{
           {1, 1}, {5, 2}, {1000, 2}, {17, 16}, {40, 17}, {300, 45}, {3, 5000}}) {
    std::vector<std::int32_t> labels;
    for (std::int64_t i = 0; i < rows; ++i) {
      labels.push_back(static_cast<std::int32_t>(i * 7 % classes));
    }
    // Logits to +-1e4, and -inf where the label is not.
    Tensor x = some({rows, classes}) * uniform({rows, 1}, 0, 100, {DType::f64}) * 100;
    const Tensor hidden = logical_and(uniform({rows, classes}) < 0.2,
                                      one_hot(from_vector(labels, {rows}), classes) == 0);
    x = where(hidden, -kInfinity, x);
    check_same(fmt::format("cross entropy [{}, {}]", rows, classes),
               [](const std::vector<Tensor>& in) { return softmax_cross_entropy(in[0], in[1]); },
               {x, from_vector(labels, {rows})});
  }
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(ones({2, 3}), from_vector<std::int32_t>({0, 3}, {2})),
                       doctest::Contains("label 3"), IndexError);
}

TEST_CASE("fused: softmax_cross_entropy keeps the digits of a small loss of large logits") {
  for (const std::int64_t classes : {2, 40}) {
    const Tensor label = from_vector<std::int32_t>({0}, {1});
    for (const double largest : {15.0, 1e4, 1e6}) {
      CAPTURE(classes);
      CAPTURE(largest);
      std::vector<float> row(static_cast<std::size_t>(classes),
                             -std::numeric_limits<float>::infinity());
      row[0] = static_cast<float>(largest);
      row[1] = static_cast<float>(largest - 10);
      const Tensor x = from_vector(row, {1, classes}).set_requires_grad();
      const Tensor loss = softmax_cross_entropy(x, label);
      loss.backward();
      CHECK(loss.item() / std::log1p(std::exp(-10.0)) == doctest::Approx(1).epsilon(2e-3));
      const double slope = double{x.grad().to_vector<float>()[0]};
      CHECK(slope * -(1 + std::exp(10.0)) == doctest::Approx(1).epsilon(2e-3));
    }
    CHECK(softmax_cross_entropy(full({1, classes}, -kInfinity), label).item() == kInfinity);
  }
}

TEST_CASE("fused: conv2d, and conv1d as one line high") {
  manual_seed(6);
  struct Case {
    Shape x, weight;
    Size2d stride = 1, padding = 0;
  };
  for (const Case& c : std::vector<Case>{
           {{1, 1, 1, 1}, {1, 1, 1, 1}},
           {{2, 3, 6, 7}, {4, 3, 3, 3}, 1, 1},
           {{2, 3, 9, 8}, {4, 3, 3, 2}, {2, 3}, {1, 2}},
           {{1, 2, 40, 41}, {5, 2, 5, 5}, 1, 2},        // a few tiles
           {{2, 2, 40, 41}, {70, 2, 5, 5}, 1, {4, 2}},  // of direct convolution, too
           {{1, 2, 30, 100}, {3, 2, 5, 5}, 1, 2},       // windows reach over more than a piece
           {{2, 130, 12, 9}, {70, 130, 3, 3}, 1, 1},    // strips of channels, a row of windows cut
           {{1, 40, 33, 32}, {70, 40, 3, 3}, 1, 1},     // lines of whole blocks of registers
           {{1, 2, 20, 30}, {5, 2, 5, 5}, 1, 2},        // and nearly so
           {{1, 40, 5, 5}, {3, 40, 1, 1}, {2, 2}},      // sees pixels that others do not
           {{1, 3, 2, 4}, {2, 3, 5, 5}, 1, 4},          // windows of nothing but padding
           {{2, 0, 5, 6}, {3, 0, 2, 2}},                // no channels: nothing but the bias
           // conv1d: images one line high
           {{1, 1, 1, 1}, {1, 1, 1, 1}},
           {{2, 3, 1, 7}, {4, 3, 1, 3}, 1, {0, 1}},
           {{3, 2, 1, 4}, {70, 2, 1, 4}},
           {{2, 130, 1, 300}, {5, 130, 1, 3}, 1, {0, 1}},
           {{1, 3, 1, 4}, {2, 3, 1, 5}, 1, {0, 4}},
           {{2, 3, 1, 1}, {2, 3, 1, 3}, 1, {0, 1}},
           {{0, 3, 1, 4}, {2, 3, 1, 3}, 1, {0, 1}},
           {{3, 2, 1, 600}, {4, 2, 1, 7}, {1, 3}, {0, 3}},
           {{0, 3, 4, 4}, {2, 3, 3, 3}, 1, 1}}) {
    check_same(fmt::format("{} with {}", to_string(c.x), to_string(c.weight)),
               [&](const std::vector<Tensor>& in) {
                 return conv2d(in[0], in[1], in[2], {.stride = c.stride, .padding = c.padding});
               },
               {some(c.x), some(c.weight) * 0.1, some({c.weight[0]})});
  }
  check_same("strided, without bias",
             [](const std::vector<Tensor>& in) {
               return conv1d(transpose(in[0]), transpose(in[1]), {}, {.padding = 2});
             },
             {some({3, 50, 22}), some({5, 4, 22}) * 0.1});
}

TEST_CASE("fused: max_pool2d, with equal numbers in a window") {
  manual_seed(8);
  struct Case {
    Size2d size, stride;
  };
  for (const Shape& shape : {Shape{2, 50, 9, 7}, Shape{1, 3, 131, 9}}) {  // lines of 9 and of 131
    for (const Case& c : std::vector<Case>{
             {2, 2}, {{1, 3}, {1, 2}}, {3, 1}, {3, 3}, {{2, 3}, {3, 4}}, {{7, 9}, 1}}) {
      check_same(fmt::format("size {} x {} of {}", c.size.height, c.size.width, to_string(shape)),
                 [&](const std::vector<Tensor>& in) {
                   return max_pool2d(transpose(in[0]), c.size, c.stride);
                 },
                 {cast(cast(uniform(shape, 0, 3), DType::i32), DType::f64)});
    }
  }
}

TEST_CASE("fused: batch_norm of the batch") {
  manual_seed(9);
  for (const Shape& shape : {Shape{2, 3, 8}, Shape{40, 5, 31, 33}, Shape{1, 2, 9}, Shape{7, 4},
                             Shape{300, 70}, Shape{4100, 3}, Shape{9, 3, 4}}) {
    check_same(fmt::format("batch_norm {}", to_string(shape)),
               [&](const std::vector<Tensor>& in) {
                 return batch_norm_training(in[0] + 3, in[1], in[2]).y;
               },
               {some(shape), some({shape[1]}), some({shape[1]})});
  }
}

TEST_CASE("fused: packed attention") {
  manual_seed(3);
  const std::vector<std::vector<std::int32_t>> packings{
      {0, 5}, {0, 0, 3, 3, 10, 11}, {0, 97, 98, 380}};
  for (const auto& offsets : packings) {
    const Shape shape{offsets.back(), 2, 6};
    for (const Score score : {Score::dot, Score::euclidean}) {
      for (const bool causal : {false, true}) {
        for (const double dropout : {0.0, 0.3}) {
          check_same(fmt::format("{} tokens, {}, causal {}, dropout {}", offsets.back(),
                                 name_of(score), causal, dropout),
                     [&](const std::vector<Tensor>& in) {
                       return attention(in[0], in[1], in[2], offsets,
                                        {.score = score, .causal = causal, .dropout = dropout});
                     },
                     {some(shape), some(shape), some({shape[0], 2, 5})});
        }
      }
    }
  }
}

TEST_CASE("fused: dense attention") {
  manual_seed(4);
  struct Case {
    Shape q, k, v, mask;
    bool causal = false;
    double dropout = 0;
    Score score = Score::dot;
  };
  const std::vector<Case> cases{
      {{3, 4}, {5, 4}, {5, 2}, {}},                                      // rank 2
      {{2, 3, 4}, {2, 5, 4}, {2, 5, 2}, {2, 3, 5}},                      // rank 3
      {{2, 2, 100, 4}, {2, 2, 300, 4}, {2, 2, 300, 6}, {2, 1, 1, 300}},  // masked keys
      {{2, 2, 100, 4}, {2, 2, 300, 4}, {2, 2, 300, 6}, {2, 2, 1, 300}},  // by head
      {{2, 2, 100, 4}, {2, 2, 300, 4}, {2, 2, 300, 6}, {100, 300}},      // by query
      {{2, 2, 300, 4}, {2, 2, 300, 4}, {2, 2, 300, 6}, {}, true},        // causal
      {{1, 2, 40, 4}, {1, 2, 300, 4}, {1, 2, 300, 4}, {}, true},         // fewer queries
      {{1, 2, 300, 4}, {1, 2, 40, 4}, {1, 2, 40, 4}, {}, true},          // fewer keys
      {{2, 2, 100, 4}, {2, 2, 270, 4}, {2, 2, 270, 4}, {2, 1, 1, 270}, true, 0.3},
      {{2, 2, 100, 4}, {2, 2, 270, 4}, {2, 2, 270, 4}, {2, 1, 1, 270}, false, 0.5},
      {{2, 2, 100, 4}, {2, 1, 270, 4}, {270, 4}, {}, false, 0.1},  // broadcast
      {{2, 2, 90, 4}, {2, 2, 270, 4}, {2, 2, 270, 4}, {2, 1, 1, 270}, false, 0.1, Score::euclidean},
      {{2, 0, 4}, {2, 5, 4}, {2, 5, 2}, {}},
      {{2, 3, 4}, {2, 0, 4}, {2, 0, 2}, {}}};
  for (const Case& c : cases) {
    for (const double allowed : {0.0, 0.3, 1.0}) {  // nothing, some and all of the keys
      const bool masked = c.mask.rank() > 0;
      if (!masked && allowed < 1) continue;
      std::vector<Tensor> inputs{some(c.q), some(c.k), some(c.v)};
      if (masked) inputs.push_back(some_mask(c.mask, allowed));
      check_same(
          fmt::format("q {} k {} mask {} ({}) causal {} dropout {} {}", to_string(c.q),
                      to_string(c.k), to_string(c.mask), allowed, c.causal, c.dropout,
                      name_of(c.score)),
          [&](const std::vector<Tensor>& in) {
            return attention(in[0], in[1], in[2],
                             {.score = c.score,
                              .mask = masked ? in[3] : Tensor(),
                              .causal = c.causal,
                              .dropout = c.dropout});
          },
          inputs);
    }
  }
}

// As Euclidean attention's bias, such a key is NaN or -inf, and its scores NaN or infinite.
TEST_CASE("fused: attention to keys of NaN and infinity, hidden and seen") {
  manual_seed(6);
  const Tensor each = tensor({{1, 0, 1, 1, 0}, {1, 1, 0, 0, 1}, {0, 0, 1, 0, 0}}) > 0;
  for (const double value : {std::nan(""), kInfinity, -kInfinity}) {
    // Of five keys, or of five rows of a packed batch of seven, the second.
    const auto spoiled = [&](const Shape& shape, int axis) {
      Shape row = Shape{}.inserted(0, shape[axis]);
      while (row.rank() < shape.rank() - axis) row = row.inserted(-1, 1);
      const Tensor second = reshape(arange(shape[axis], {DType::i32}), row) == 1;
      return where(second, value, some(shape));
    };
    for (const Score score : {Score::dot, Score::euclidean}) {
      const auto attend = [&](const Tensor& mask, bool causal) {
        const std::string what =
            fmt::format("a key of {}, {}, mask {}, causal {}", value, name_of(score),
                        mask.defined() ? to_string(mask.shape()) : "none", causal);
        std::vector<Tensor> inputs{some({2, 3, 4}), spoiled({2, 5, 4}, 1), some({2, 5, 2})};
        if (mask.defined()) inputs.push_back(mask);
        check_same(
            what,
            [&](const std::vector<Tensor>& in) {
              return attention(
                  in[0], in[1], in[2],
                  {.score = score, .mask = mask.defined() ? in[3] : mask, .causal = causal});
            },
            inputs, Nan::is_a_value);
      };
      attend(each, false);
      attend(slice(each, 0, 0, 1), false);  // the same keys for all
      attend({}, true);
      attend(each, true);
      check_same(
          fmt::format("a key of {}, {}, packed", value, name_of(score)),
          [&](const std::vector<Tensor>& in) {
            return attention(in[0], in[1], in[2], Segments({0, 5, 7}),
                             {.score = score, .causal = true});
          },
          {some({7, 2, 4}), spoiled({7, 2, 4}, 0), some({7, 2, 3})}, Nan::is_a_value);
    }
  }
}

TEST_CASE("fused: attention's dropout has its mean, and errors") {
  manual_seed(5);
  const Tensor q = zeros({1, 1, 2000, 1}), k = zeros({1, 1, 400, 1}), v = ones({1, 1, 400, 1});
  const std::vector<float> y = attention(q, k, v, {.dropout = 0.25}).to_vector<float>();
  double total = 0, largest = 0;
  for (const float value : y) {
    total += value;
    largest = std::max(largest, double{value});
  }
  // Each is the mean of 400 weights of 0 or 4/3: 1 on average, deviation sqrt(1/3) / 20 = 0.029.
  CHECK(total / 2000 == doctest::Approx(1).epsilon(0.003));
  CHECK(largest > 1.05);
  CHECK(message_of<Error>([&] {
          attention(q, k, v, {.dropout = 1});
        }).find("dropout 1 is not in [0, 1)") != std::string::npos);
  CHECK(message_of<DTypeError>([&] {
          attention(q, k, v, {.mask = ones({1, 1, 1, 400})});
        }).find("mask must be boolean") != std::string::npos);
}

TEST_CASE("fused: Adam and AdamW, of all rows and of some") {
  // A parameter and its moments after four steps; `rows`: those of the second and the third.
  const auto steps = [](auto make, const Tensor& start, const std::vector<std::int32_t>& rows,
                        DType dtype, Backend& on) {
    Tensor p = to(start + 0, {dtype, &on}).set_requires_grad();  // memory of its own
    const Shape count{static_cast<std::int64_t>(rows.size())};
    const auto optimizer = make(p);
    for (int t = 1; t <= 4; ++t) {
      const Tensor g = sin(p.detach() * t);
      const bool sparse = !rows.empty() && (t == 2 || t == 3);
      const Tensor row = from_vector(rows, count, &on);
      p.set_gradient(sparse ? Gradient::row_sparse(row, gather(g, row), p.shape()) : Gradient(g));
      optimizer->step();
    }
    std::vector<std::vector<double>> all{p.to_vector<double>()};
    for (const std::pair<std::string, Tensor>& moment : optimizer->state()) {
      all.push_back(moment.second.to_vector<double>());
    }
    return all;
  };
  const auto check = [&](const std::string& what, auto make) {
    manual_seed(8);
    std::vector<std::int32_t> rows{3, -1, 3};  // again, and none
    for (std::int32_t i = 0; i < 700; ++i) rows.push_back(i * 389 % 1000);
    const std::vector<std::pair<Tensor, std::vector<std::int32_t>>> cases{
        {some({1}), {}},           {some({40, 1001}), {}},   {zeros({0, 3}), {}},
        {some({4, 1}), {3, 0, 3}}, {some({1000, 65}), rows}, {some({5, 2, 3}), {4, 1}},
        {some({3, 2}), {-1}},      {some({2, 70000}), {1}}};
    for (const auto& [start, touched] : cases) {
      for (const DType dtype : {DType::f64, DType::f32}) {
        const auto found = steps(make, start, touched, dtype, backend("cpu"));
        const auto expected = steps(make, start, touched, dtype, backend("reference"));
        REQUIRE(found.size() == expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          check_close(
              fmt::format("{} {} {} ({})", what, to_string(start.shape()), touched.size(), i),
              dtype, found[i], expected[i]);
        }
      }
    }
  };
  using namespace optim;
  check("Adam", [](const Tensor& p) { return std::make_unique<Adam>(std::vector{p}); });
  check("Adam with l2", [](const Tensor& p) {
    const AdamOptions options{.lr = 0.1, .beta1 = 0.8, .epsilon = 1e-3, .weight_decay = 0.2};
    return std::make_unique<Adam>(std::vector{p}, options);
  });
  check("AdamW", [](const Tensor& p) {
    const AdamWOptions options{.lr = 0.1, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2};
    return std::make_unique<AdamW>(std::vector{p}, options);
  });
  // A rate for each row.
  check("AdamW by rows", [](const Tensor& p) {
    std::vector<float> scale;
    for (std::int64_t i = 0; i < p.size(0); ++i) scale.push_back(static_cast<float>(i % 4) / 2);
    const Tensor rows = from_vector(scale, {p.size(0)}, &p.backend());
    const AdamWOptions options{.lr = 0.1, .weight_decay = 0.2};
    return std::make_unique<AdamW>(
        std::vector<Group<AdamWOptions>>{{{p}, options, cast(rows, p.dtype())}});
  });
}

TEST_CASE("fused: sums of bags of rows") {
  manual_seed(9);
  for (const auto& [n, width] :
       std::vector<std::array<std::int64_t, 2>>{{5, 1}, {7, 3}, {50, 64}, {20, 1000}, {3000, 40}}) {
    std::vector<std::int32_t> rows, offsets{0};
    for (std::int64_t bag = 0; bag < 2000; ++bag) {  // of 0, 1, ... rows
      for (std::int64_t i = 0; i < bag % 6; ++i) {
        rows.push_back(static_cast<std::int32_t>((bag * 31 + i * i * 17) % n));
      }
      offsets.push_back(static_cast<std::int32_t>(rows.size()));
    }
    check_same(fmt::format("{} rows of {}", n, width),
               [&](const std::vector<Tensor>& in) {
                 return gather_sum(in[0], Bags(rows, offsets, in[0].backend()));
               },
               {some({n, width})});
    check_same(fmt::format("{} rows of {}, a transposed table", n, width),
               [&](const std::vector<Tensor>& in) {
                 return gather_sum(transpose(in[0]), Bags(rows, offsets, in[0].backend()));
               },
               {some({width, n})});
  }
}

TEST_CASE("fused: pooling by weights") {
  manual_seed(10);
  for (const std::int64_t size : {0, 1, 16, 37, 64, 130}) {
    for (const std::int64_t heads : {1, 4}) {
      const Segments texts({0, 1, 1, 40, 700, 703});
      check_same(fmt::format("{} heads of {}", heads, size),
                 [&](const std::vector<Tensor>& in) { return pool(in[0], in[1], texts); },
                 {some({703, heads}), some({703, heads, size})});
      check_same(
          fmt::format("{} heads of {}, transposed weights", heads, size),
          [&](const std::vector<Tensor>& in) { return pool(transpose(in[0]), in[1], texts); },
          {some({heads, 703}), some({703, heads, size})});
    }
  }
}
