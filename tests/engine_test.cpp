#include <doctest/doctest.h>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <thread>

#include "autograd/node.h"
#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {

constexpr DType f64 = DType::f64;

Values values(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("backward follows the chain rule") {
  // y = sum(x^2 + 5x), dy/dx = 2x + 5
  Tensor x = tensor({1, -2, 3}).set_requires_grad();
  sum(x * x + 5 * x).backward();
  CHECK(values(x.grad()) == Values{7, 1, 11});
}

TEST_CASE("gradients add up over backward calls until zero_grad") {
  Tensor x = tensor({2, 3}).set_requires_grad();
  sum(x * x).backward();
  sum(x).backward();
  CHECK(values(x.grad()) == Values{5, 7});  // 2x + 1
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
  sum(3 * x).backward();
  CHECK(values(x.grad()) == Values{3, 3});
}

TEST_CASE("a result used twice is visited once, with both gradients") {
  // d = b + c with b = a^2, c = 3a, twice over: a feeds a diamond on a diamond.
  // y = (a^2 + 3a)^2, dy/da = 2 (a^2 + 3a) (2a + 3): at a = 2, 2 * 10 * 7.
  Tensor a = tensor(2.0).set_requires_grad();
  const Tensor d = a * a + 3 * a;
  (d * d).backward();
  CHECK(a.grad().item() == 140);
}

TEST_CASE("a ladder of diamonds costs a visit a rung, not a path") {
  // Each rung doubles: 60 rungs have 2^60 paths. dy/dx = 2^60.
  Tensor x = tensor(1.0, {f64}).set_requires_grad();
  Tensor y = x;
  for (int rung = 0; rung < 60; ++rung) y = y + y;
  y.backward();
  CHECK(x.grad().item() == 0x1p60);
}

TEST_CASE("gradients of broadcast inputs are summed to the inputs' shapes") {
  Tensor row = tensor({1, 2, 3}).set_requires_grad();
  Tensor column = tensor({{10}, {20}}).set_requires_grad();
  Tensor one = tensor(2.0).set_requires_grad();
  sum(row * column * one).backward();
  CHECK(values(row.grad()) == Values{60, 60, 60});  // sum(column) * one
  CHECK(column.grad().shape() == Shape{2, 1});
  CHECK(values(column.grad()) == Values{12, 12});  // sum(row) * one
  CHECK(one.grad().item() == 180);                 // sum(row) * sum(column)
}

TEST_CASE("grad() gives gradients of leaves and of results, and leaves .grad() alone") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  const Tensor middle = x * x;
  const Tensor y = sum(middle * 3);
  const std::vector<Tensor> g = grad({y}, {x, middle, y});
  CHECK(values(g[0]) == Values{6, 12});  // 6x
  CHECK(values(g[1]) == Values{3, 3});
  CHECK(g[2].item() == 1);
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("grad() of several outputs is that of their sum; unused inputs get zeros") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  Tensor unused = zeros({3, 2}, {f64}).set_requires_grad();
  const std::vector<Tensor> g = grad({sum(x * x), sum(5 * x)}, {x, unused});
  CHECK(values(g[0]) == Values{7, 9});
  CHECK(g[1].shape() == Shape{3, 2});
  CHECK(g[1].dtype() == f64);
  CHECK(values(g[1]) == Values(6, 0.0));
}

TEST_CASE("grad() with respect to a result does not touch what lies behind it") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  const Tensor middle = x * x;
  const Tensor y = sum(middle * 3), z = sum(middle * middle);
  CHECK(values(grad({y}, {middle})[0]) == Values{3, 3});
  z.backward();                              // walks through middle, whose graph is still there
  CHECK(values(x.grad()) == Values{4, 32});  // 4x^3
}

TEST_CASE("backward from more than one element needs a gradient of that shape") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  const Tensor y = x * x;
  CHECK_THROWS_WITH_AS(y.backward(), doctest::Contains("has more than one element"), ShapeError);
  CHECK_THROWS_AS(backward(y, {.gradient = tensor({1})}), ShapeError);
  CHECK_THROWS_AS(backward(y, {.gradient = tensor({1, 1}, {f64})}), DTypeError);
  backward(y, {.gradient = tensor({10, 100})});
  CHECK(values(x.grad()) == Values{20, 400});
}

TEST_CASE("a second backward says what was freed; retain_graph keeps it") {
  Tensor x = tensor(3.0).set_requires_grad();
  const Tensor y = exp(x) * x;
  backward(y, {.retain_graph = true});
  const double once = x.grad().item();
  backward(y);
  CHECK(x.grad().item() == doctest::Approx(2 * once));
  CHECK(message_of<GradError>([&] { backward(y); }) ==
        "[backward] the graph behind 'mul' [] was freed by an earlier backward; pass "
        "{.retain_graph = true} to the earlier one, or detach() what was carried over from the "
        "step before");
  // Also through a new result on top of the freed part.
  CHECK_THROWS_AS((y * 2).backward(), GradError);
}

TEST_CASE("create_graph differentiates gradients again") {
  // x^4: 4x^3, 12x^2, 24x, 24, 0
  Tensor x = tensor(1.5, {f64}).set_requires_grad();
  Tensor y = pow(x, 4);
  for (const double expected : {4 * 3.375, 12 * 2.25, 24 * 1.5, 24.0, 0.0}) {
    y = grad({y}, {x}, {.create_graph = true})[0];
    CHECK(y.item() == doctest::Approx(expected));
    if (!y.requires_grad()) break;
  }
  // sin'''' = sin, through two ops that call each other
  Tensor s = sin(x);
  for (int i = 0; i < 4; ++i) s = grad({s}, {x}, {.create_graph = true})[0];
  CHECK(s.item() == doctest::Approx(std::sin(1.5)));
}

TEST_CASE("a gradient penalty trains through the gradient") {
  // y = sum(x^3), p = sum((dy/dx)^2) = sum(9 x^4), dp/dx = 36 x^3
  Tensor x = tensor({1, -2}, {f64}).set_requires_grad();
  const Tensor g = grad({sum(x * x * x)}, {x}, {.create_graph = true})[0];
  sum(g * g).backward();
  CHECK(values(x.grad()) == Values{36, -288});
}

TEST_CASE("NoGrad records nothing on this thread and only while it lives") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  {
    NoGrad off;
    CHECK_FALSE((x * x).requires_grad());
    {
      GradMode on(true);
      CHECK((x * x).requires_grad());
    }
    CHECK_FALSE((x * x).requires_grad());
    bool elsewhere = false;
    std::thread([&] { elsewhere = (x * x).requires_grad(); }).join();
    CHECK(elsewhere);
  }
  CHECK((x * x).requires_grad());
}

TEST_CASE("detach shares values and ends the graph") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  const Tensor y = x * 2;
  const Tensor cut = y.detach();
  CHECK_FALSE(cut.requires_grad());
  CHECK(cut.view().buffer == y.view().buffer);
  sum(y * cut).backward();  // d/dx of 2x * (2x held fixed) = 4x
  CHECK(values(x.grad()) == Values{4, 8});
}

TEST_CASE("only floating leaves can require gradients; only leaves can be written") {
  Tensor x = tensor({1, 2}).set_requires_grad();
  Tensor y = x * 2;
  CHECK_THROWS_WITH_AS(y.set_requires_grad(), doctest::Contains("was computed by 'mul'"),
                       GradError);
  CHECK_THROWS_AS(y.set_requires_grad(false), GradError);
  CHECK_THROWS_WITH_AS(y.assign(x), doctest::Contains("only leaves can be written"), GradError);
  CHECK_THROWS_AS(x.assign(tensor({1, 2, 3})), ShapeError);
  CHECK_THROWS_AS(arange(3, {DType::i32}).set_requires_grad(), DTypeError);
  CHECK_THROWS_WITH_AS(sum(x.detach()).backward(), doctest::Contains("requires gradients"),
                       GradError);
  CHECK_THROWS_AS(grad({sum(y)}, {tensor({1})}), GradError);
  CHECK_THROWS_AS(tensor({1}).set_gradient(tensor({1})), GradError);
  x.assign(tensor({5, 6}, {f64}));  // cast on the way
  CHECK(values(x) == Values{5, 6});
  CHECK_FALSE(Tensor(x).set_requires_grad(false).requires_grad());
  CHECK_FALSE(x.requires_grad());  // all handles are one leaf
}

TEST_CASE("embedding gradients are row-sparse and add up as such") {
  Tensor table = zeros({1000, 2}, {f64}).set_requires_grad();
  const auto rows = [](std::vector<std::int32_t> list) {
    const auto n = static_cast<std::int64_t>(list.size());
    return from_vector(list, {n});
  };
  sum(gather(table, rows({7, 3, 7, kNoRow}))).backward();
  sum(2 * gather(table, rows({999, 3}))).backward();
  REQUIRE(table.gradient().is_sparse());
  CHECK(table.gradient().values().size(0) == 6);
  const Gradient g = table.gradient().coalesced();
  CHECK(g.rows().to_vector<std::int32_t>() ==
        std::vector<std::int32_t>{7, 3, 999});  // as they first appear
  CHECK(values(g.values()) == Values{2, 2, 3, 3, 2, 2});
  CHECK(sum(g.dense()).item() == 14);
  CHECK(values(g.dense()) == values(table.grad()));

  SUBCASE("a dense gradient on top makes it dense") {
    sum(table * 0.5).backward();
    CHECK_FALSE(table.gradient().is_sparse());
    CHECK(values(select(table.grad(), 0, 7)) == Values{2.5, 2.5});
    CHECK(values(select(table.grad(), 0, 0)) == Values{0.5, 0.5});
  }
  SUBCASE("dense first, then sparse") {
    table.zero_grad();
    sum(table * 0.5).backward();
    sum(gather(table, rows({0}))).backward();
    CHECK(values(select(table.grad(), 0, 0)) == Values{1.5, 1.5});
  }
  SUBCASE("through a result the gradient is what the dense one would be") {
    Tensor x = ones({3, 1}, {f64}).set_requires_grad();
    sum(gather(x * x, rows({2, 2, 0}))).backward();  // d/dx = 2x * times gathered
    CHECK(values(x.grad()) == Values{2, 0, 4});
  }
  SUBCASE("many rows, many of them again") {
    table.zero_grad();
    std::vector<std::int32_t> list;
    for (std::int32_t i = 0; i < 3000; ++i) list.push_back(i % 7 == 0 ? kNoRow : i * i % 499 * 2);
    sum(gather(table, rows(list))).backward();
    const Gradient once = table.gradient().coalesced();
    std::vector<std::int32_t> kept = once.rows().to_vector<std::int32_t>();
    CHECK(kept.size() == 250);  // of 0 and the 249 squares modulo the prime 499, each once
    std::sort(kept.begin(), kept.end());
    CHECK(std::adjacent_find(kept.begin(), kept.end()) == kept.end());
    CHECK(values(once.dense()) == values(table.grad()));
    CHECK(once.coalesced().values().view().buffer == once.values().view().buffer);  // as it is
  }
  SUBCASE("added to itself it doubles") {
    Gradient twice = table.gradient();
    twice += twice;
    CHECK(values(twice.dense()) == values(table.grad() * 2));
  }
  SUBCASE("nothing gathered is an empty sparse gradient") {
    table.zero_grad();
    sum(gather(table, rows({}))).backward();
    CHECK(values(table.gradient().coalesced().dense()) == Values(2000, 0.0));
  }
}

TEST_CASE("edges of a fused op say which of its inputs they lead to") {
  Tensor w = ones({2, 3}).set_requires_grad(), b = ones({2}).set_requires_grad();
  const Tensor y = linear(ones({4, 3}), w, b);
  REQUIRE(y.node()->inputs.size() == 2);
  CHECK(y.node()->inputs[0].place == 1);
  CHECK(y.node()->inputs[1].place == 2);
}

TEST_CASE("on_gradient sees the whole gradient of a result, and may change it") {
  // h = 2x, y = sum(h h + 3 h): dy/dh = 2h + 3; halved on the way back, dy/dx = h + 3/2
  Tensor x = tensor({1, 2}).set_requires_grad();
  Values seen;
  const Tensor h = on_gradient(x * 2, [&](const Tensor& g) {
    seen = values(g);
    return g / 2;
  });
  CHECK(values(h) == Values{2, 4});
  sum(h * h + 3 * h).backward();
  CHECK(seen == Values{7, 11});
  CHECK(values(x.grad()) == Values{7, 11});  // (h + 3/2) * 2
  CHECK_FALSE(on_gradient(x.detach(), [](const Tensor& g) { return g; }).requires_grad());
  const Tensor bad = on_gradient(x, [](const Tensor& g) { return sum(g); });
  CHECK(message_of<ShapeError>([&] { sum(bad).backward(); }) ==
        "[on_gradient] the function was given a gradient [2] and returned f32 [] on cpu; both must "
        "have one shape");
}

TEST_CASE("DetectAnomaly names the op that made the first NaN") {
  const Tensor x = tensor({-1, 4});
  const Tensor y = log(x);  // NaN, unnoticed
  CHECK(std::isnan(values(y)[0]));
  DetectAnomaly on;
  const std::string text = message_of<Error>([&] { sum(exp(log(x) + 1)); });
  CHECK(text.find("[log] made the first NaN") == 0);
  CHECK(text.find("f32 [2]") != std::string::npos);
  CHECK_NOTHROW(exp(x));
  CHECK_NOTHROW(log(tensor({0})));  // -inf is a number
  // sigmoid(inf w) = 1, its slope 0: dL/dw = 0 * inf, in a kernel of the backend
  Tensor w = ones({1, 1}).set_requires_grad();
  const Tensor z = sum(sigmoid(linear(full({1, 1}, kInfinity), w)));
  CHECK(message_of<Error>([&] { z.backward(); }) ==
        "[linear] made the first NaN: its gradient f32 [1, 1] on cpu holds one");
}

TEST_CASE("DetectAnomaly watches the walk too") {
  // sqrt(0): dy/dx = 1 / (2 sqrt 0) = inf; inf * 0 from the outer factor is NaN.
  Tensor x = tensor({0}, {f64}).set_requires_grad();
  const Tensor y = sum(sqrt(x) * 0);
  DetectAnomaly on;
  CHECK_THROWS_AS(y.backward(), Error);
}

namespace {

// Runs `body` on a thread with a stack of 256 KiB: recursion over a long graph would not survive.
void on_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  const auto run = [](void* f) -> void* {
    (*static_cast<std::function<void()>*>(f))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &body) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

constexpr int kLong = 1'000'000;

}  // namespace

TEST_CASE("a chain of a million ops builds, differentiates and dies on a small stack") {
  double slope = 0;
  on_small_stack([&] {
    Tensor x = tensor(1.0, {f64}).set_requires_grad();
    Tensor y = x;
    for (int i = 0; i < kLong; ++i) y = y + 1;  // a pullback that captures nothing
    y.backward();                               // frees as it goes
    slope = x.grad().item();
  });
  CHECK(slope == 1);
}

TEST_CASE("a long graph that is never walked dies on a small stack") {
  bool done = false;
  on_small_stack([&] {
    Tensor x = tensor(0.5, {f64}).set_requires_grad();
    Tensor y = x;
    for (int i = 0; i < kLong / 4; ++i) y = y * y;  // pullbacks capture their inputs, twice
    y = Tensor();
    for (int i = 0; i < 10'000; ++i) x = relu(x) + x;  // and rebind the leaf's own handle
    done = true;
  });
  CHECK(done);
}

TEST_CASE("a retained long graph dies on a small stack, and so do graphs of gradients") {
  double slope = 0;
  on_small_stack([&] {
    Tensor x = tensor(1.0, {f64}).set_requires_grad();
    Tensor y = x;
    for (int i = 0; i < 20'000; ++i) y = sin(y);
    slope = grad({y}, {x}, {.create_graph = true})[0].item();
  });
  CHECK(slope > 0);
  CHECK(slope < 1);
}

TEST_CASE("threads build and differentiate graphs of their own at the same time") {
  std::vector<double> slopes(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < slopes.size(); ++t) {
    threads.emplace_back([&slopes, t] {
      Tensor x = tensor(1.0, {f64}).set_requires_grad();
      Tensor y = x;
      for (int i = 0; i < 500; ++i) y = y * 1.0 + x;
      y.backward();
      slopes[t] = x.grad().item();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(slopes == std::vector<double>(4, 501));
}

TEST_CASE("threads add to the gradient of one leaf") {
  Tensor w = zeros({4}).set_requires_grad();
  const auto work = [&w] {
    for (int i = 0; i < 2000; ++i) sum(w).backward();
  };
  std::thread other(work);
  work();
  other.join();
  CHECK(values(w.grad()) == Values(4, 4000));
}
