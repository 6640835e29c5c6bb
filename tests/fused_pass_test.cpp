// Elementwise operations computed in one pass (autograd/fused.h, Backend::map).
#include <doctest/doctest.h>

#include <vector>

#include "autograd/autograd.h"
#include "autograd/fused.h"
#include "autograd/ops.h"
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
    assign_fused(target, [&] { return step(target); });
    CHECK(target.to_vector<float>() == step(like).to_vector<float>());
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
