// Elementwise operations computed in one pass (autograd/fused.h, Backend::map), as optimizers' steps are.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "autograd/fused.h"
#include "autograd/gradient.h"
#include "autograd/ops.h"
#include "optim/adagrad.h"
#include "optim/lion.h"
#include "optim/rmsprop.h"
#include "optim/sgd.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tests/fused_support.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("fused: elementwise operations in one pass") {
  manual_seed(21);
  using F = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);
  const std::vector<F> programs{
      [](const Tensor& a, const Tensor& b, const Tensor&) { return tanh(a * b) + a; },
      [](const Tensor& a, const Tensor& b, const Tensor& m) {
        return where(m && !(a > b), 2 - abs(a), maximum(b, 0.5) / 3);
      },
      [](const Tensor& a, const Tensor& b, const Tensor&) { return a < b; },
      [](const Tensor& a, const Tensor& b, const Tensor&) { return exp(a) * pow(b, 2); },
      [](const Tensor& a, const Tensor& b, const Tensor&) {  // more steps than a kernel takes
        Tensor y = a;
        for (int i = 0; i < 40; ++i) y = y + b;
        return y;
      },
      [](const Tensor& a, const Tensor&, const Tensor&) { return a; }};
  NoGrad off;
  const auto check = [&](const Tensor& a, const Tensor& b, const Tensor& m) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (std::size_t i = 0; i < programs.size(); ++i) {
        const auto cast_to = [&](const Tensor& t) {
          return t.dtype() == DType::boolean ? t : cast(t, dtype);
        };
        const Tensor x = cast_to(a), y = cast_to(b);
        const Tensor found = fused([&] { return programs[i](x, y, m); });
        const Tensor expected = programs[i](x, y, m);
        INFO("program " << i << " of " << to_string(a.shape()) << " and " << to_string(b.shape()));
        CHECK(found.shape() == expected.shape());
        CHECK(found.dtype() == expected.dtype());
        CHECK(found.to_vector<double>() == expected.to_vector<double>());
      }
    }
  };
  const Tensor rows = some_mask({70, 1}, 0.5);
  check(some({}), some({}), some_mask({}, 0.5));
  check(some({0, 3}), some({3}), some_mask({1}, 0.5));
  check(some({70, 300}), some({70, 300}), rows);
  check(some({70, 300}), some({300}), rows);
  check(some({70, 1}), some({1, 1000}), rows);
  check(some({5, 700, 7}), some({700, 1}), some_mask({700, 1}, 0.5));
  check(some({70, 3001}), some({70, 1}), rows);
}

TEST_CASE("fused: of views, into memory of its own, and with any number of threads") {
  manual_seed(22);
  const Tensor wide = normal({600, 500}), row = normal({600}), like = normal({500, 600});
  const auto f = [&](const Tensor& p) {
    return p * 0.9 + transpose(wide) * where(row > 0, row, 0.5) - slice(p, 1, 599, 600);
  };
  NoGrad off;
  const std::vector<float> expected = f(like).to_vector<float>();
  const int before = num_threads();
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    CHECK(fused([&] { return f(like); }).to_vector<float>() == expected);
  }
  set_num_threads(before);
  const auto step = [](const Tensor& p) { return p - p * sign(p) * 0.25; };
  for (const bool dense : {true, false}) {
    const Tensor target = dense ? clone(like) : transpose(clone(transpose(like)));
    CHECK(assign_fused({target}, [&] { return std::vector{step(target)}; }) == dense);
    CHECK(target.to_vector<float>() == (dense ? step(like) : like).to_vector<float>());
  }
}

TEST_CASE("fused: where something is recorded or looked for, the operations just run") {
  const Tensor x = tensor({-1, 2}).set_requires_grad();
  const auto f = [&] { return log(x) * 2; };
  CHECK(grad({sum(fused(f))}, {x})[0].to_vector<float>() == std::vector<float>{-2, 1});
  NoGrad off;
  DetectAnomaly detect;
  REFUSES(Error, fused(f), "[log] made the first NaN: its result f32 [2] on cpu holds one");
}

TEST_CASE("fused: a reduction of a result is refused") {
  NoGrad off;
  const Tensor x = ones({128, 128});
  REFUSES(Error, fused([&] { return x - sum(x * 2); }),
          "[fused] the numbers of a result are asked for before there are any: only elementwise "
          "operations may be fused; take reductions, products and the like out of the function");
  const Tensor few = tensor({-1, 2});  // of which nothing is noted down
  CHECK(fused([&] { return few - sum(few * 2); }).to_vector<float>() == std::vector<float>{-3, 0});
}

TEST_CASE("fused: of views of its results there is no kernel") {
  manual_seed(23);
  const Tensor x = normal({128, 128});
  NoGrad off;
  const auto f = [&] { return transpose(x * 2) + x; };
  CHECK(fused(f).to_vector<float>() == f().to_vector<float>());
}

TEST_CASE("fused: several results, and none that is read after it was written") {
  manual_seed(24);
  const Tensor x = normal({150, 150});
  NoGrad off;
  const auto parts = [&](const Tensor& a) {
    const Tensor large = abs(a) > 1;
    return std::vector{where(large, a, 0), large, a * a};
  };
  const auto check = [&](const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      CHECK(found[i].dtype() == expected[i].dtype());
      CHECK(found[i].to_vector<double>() == expected[i].to_vector<double>());
    }
  };
  check(fused_all([&] { return parts(x); }), parts(x));
  const std::vector<Tensor> targets{clone(x), x > 0, clone(x)};
  CHECK(assign_fused(targets, [&] { return parts(x); }));
  check(targets, parts(x));
  // Of these there is no such pass, and nothing changes: a is read once more, then through another
  // view; a result is no step's, or of another shape.
  const Tensor a = clone(x), b = clone(x);
  CHECK(!assign_fused({a, b}, [&] { return std::vector{a * 2, a * 3}; }));
  CHECK(!assign_fused({a}, [&] { return std::vector{a + transpose(a)}; }));
  CHECK(!assign_fused({a}, [&] { return std::vector{x * 2 > 1}; }));
  CHECK(!assign_fused({a}, [&] { return std::vector{x}; }));
  CHECK(!assign_fused({a, b}, [&] { return std::vector{x * 2, slice(x, 0, 0, 140) * 2}; }));
  CHECK(!assign_fused({a}, [&] {
    const Tensor unused = unsqueeze(x, 0) * ones({2, 1, 1});
    return std::vector{x * 2};
  }));
  const Tensor wide = ones({75, 300});  // as many elements in another shape
  CHECK(!assign_fused({a}, [&] {
    const Tensor unused = wide * 2;
    return std::vector{x * 2};
  }));
  check({a, b}, {x, x});
  CHECK(assign_fused({a, b}, [&] { return std::vector{b * 3, b * 2}; }));  // b is read before
  check({a, b}, {x * 3, x * 2});
}

// Sums, products, quotients and roots are rounded alike by all backends, and the reference backend has no pass
// for several: there each operation is one.
template <class Optimizer, class Options>
void check_steps(const Options& options) {
  const auto after_steps = [&](const std::string& on, bool dense) {
    manual_seed(25);
    const TensorOptions here{.backend = &backend(on)};
    Tensor p = normal({150, 130}, 0, 1, here);
    p = (dense ? p : transpose(clone(transpose(p)))).set_requires_grad();
    Tensor scaled = normal({150, 130}, 0, 1, here).set_requires_grad();
    Tensor table = normal({1000, 50}, 0, 1, here).set_requires_grad();
    using Group = optim::Group<Options>;
    Optimizer optimizer(
        {Group{{p, table}, options}, Group{{scaled}, options, uniform({150}, 0, 2, here)}});
    const Tensor rows = cast(arange(500, here) * 2, DType::i32);
    for (int t = 0; t < 3; ++t) {
      p.set_gradient(normal({150, 130}, 0, 1, here));
      scaled.set_gradient(p.detach());
      table.set_gradient(Gradient::row_sparse(rows, normal({500, 50}, 0, 1, here), table.shape()));
      optimizer.step();
    }
    std::vector<std::vector<double>> numbers;
    for (const Tensor& x : {p, scaled, table}) numbers.push_back(x.to_vector<double>());
    for (const auto& [name, x] : optimizer.state())
      numbers.push_back(x.template to_vector<double>());
    return numbers;
  };
  const auto expected = after_steps("reference", true);
  CHECK(after_steps("cpu", true) == expected);
  CHECK(after_steps("cpu", false) == expected);
}

TEST_CASE("fused: steps of optimizers") {
  check_steps<optim::SGD>(optim::SGDOptions{.lr = 0.1, .weight_decay = 0.01});
  check_steps<optim::SGD>(optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01});
  check_steps<optim::SGD>(optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true});
  check_steps<optim::RMSprop>(optim::RMSpropOptions{.lr = 0.1});
  check_steps<optim::RMSprop>(
      optim::RMSpropOptions{.lr = 0.1, .momentum = 0.9, .centered = true, .weight_decay = 0.01});
  check_steps<optim::Adagrad>(optim::AdagradOptions{.lr = 0.1, .weight_decay = 0.01});
  check_steps<optim::Lion>(optim::LionOptions{.lr = 0.1, .weight_decay = 0.01});
}

TEST_CASE("fused: a step writes where the parameter lies, at once") {
  Tensor p = ones({200, 100}).set_requires_grad();
  const Tensor same_memory = p.detach();
  optim::SGD optimizer({p}, {.lr = 0.5, .momentum = 0.5});
  for (int t = 0; t < 2; ++t) {
    p.set_gradient(same_memory);  // 1, then 1/2: read where it is written
    optimizer.step();
  }
  // v = 1, p = 1/2; v = 1/2 + 1/2, p = 0
  CHECK(same_memory.to_vector<double>() == std::vector<double>(200 * 100, 0));
  backend("cpu").reset_peak_memory();
  const std::size_t before = backend("cpu").memory().in_use;
  optimizer.step();
  CHECK(backend("cpu").memory().peak < before + 200 * 100 * sizeof(float));  // not one tensor more
}
