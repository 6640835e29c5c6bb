// The linear layer of the CPU backend against its definition, in sizes that cross the tiles of
// products, with every activation that it takes.
#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "autograd/node.h"
#include "tensor/error.h"
#include "tests/fused_support.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("fused: linear with any activation") {
  manual_seed(1);
  for (const UnaryOp f : {UnaryOp::copy, UnaryOp::relu, UnaryOp::tanh, UnaryOp::sigmoid}) {
    const auto layer = [f](const std::vector<Tensor>& in) {
      return linear(in[0], in[1], in[2], f);
    };
    for (const auto& [rows, in, out] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                                                {7, 5, 3},
                                                                                {600, 33, 50},
                                                                                {600, 300, 50},
                                                                                {20, 4100, 9},
                                                                                {130, 5, 1100},
                                                                                {4500, 4, 7}}) {
      const double scale = 1 / std::sqrt(static_cast<double>(in));
      check_same(fmt::format("linear {} [{}, {}] -> {}", name_of(f), rows, in, out), layer,
                 {some({rows, in}), some({out, in}) * scale, some({out})});
    }
    check_same(fmt::format("linear {} transposed", name_of(f)),
               [f](const std::vector<Tensor>& in) {
                 return linear(transpose(in[0]), transpose(in[1]), slice(in[2], 0, 0, {}, 2), f);
               },
               {some({20, 300}), some({20, 70}) * 0.2, some({140})});
  }
}

TEST_CASE("fused: linear keeps NaN and infinity") {
  const Tensor x = tensor({{NAN}, {INFINITY}, {-INFINITY}, {1}});
  for (const std::int64_t out : {3, 64}) {
    const Tensor weight = ones({out, 1}), bias = zeros({out});
    for (const UnaryOp f : {UnaryOp::copy, UnaryOp::relu}) {
      const std::vector<float> y =
          select(linear(x, weight, bias, f), 1, out - 1).to_vector<float>();
      CHECK(std::isnan(y[0]));
      CHECK(y[1] == INFINITY);
      CHECK(y[2] == (f == UnaryOp::relu ? 0 : -INFINITY));
      CHECK(y[3] == 1);
    }
  }
}

TEST_CASE("relu lets the gradient of a NaN through, alone and in a linear layer") {
  Tensor x = tensor({{NAN}, {2}, {0}, {-2}}).set_requires_grad();
  const std::vector<double> expected = {1, 1, 0, 0};
  CHECK(grad({sum(relu(x))}, {x})[0].to_vector<double>() == expected);
  CHECK(
      grad({sum(linear(x, ones({1, 1}), zeros({1}), UnaryOp::relu))}, {x})[0].to_vector<double>() ==
      expected);
}

TEST_CASE("gradients computed together are those of their own walk") {
  // y = x w^T: dy/dx = w, dy/dw = x
  Tensor x = tensor({{1, 2}}).set_requires_grad(), w = tensor({{3, 4}}).set_requires_grad();
  const Tensor y = sum(linear(x, w));

  SUBCASE("after a walk that stopped between them") {
    struct Stop : Listener {
      void recorded(const Tensor&) override {}
      void arrived(const Node&, const Gradient&) override {}
      void sent(const Node& at, const Edge&, const Gradient&, const Gradient&) override {
        if (at.op == std::string("linear")) throw Error("[stop] here");
      }
    };
    {
      const Stop stop;
      CHECK_THROWS_AS(backward(y, {.gradient = tensor(10), .retain_graph = true}), Error);
    }
    y.backward();
    CHECK(x.grad().to_vector<double>() == std::vector<double>{3, 4});
    CHECK(w.grad().to_vector<double>() == std::vector<double>{1, 2});
  }
  SUBCASE("while another thread walks") {
    std::atomic<int> wrong = 0;
    const auto work = [&](double scale) {
      for (int i = 0; i < 2000; ++i) {
        const std::vector<Tensor> g =
            grad({y}, {x, w}, {.gradient = tensor(scale), .retain_graph = true});
        if (g[0].to_vector<double>()[0] != 3 * scale) ++wrong;
        if (g[1].to_vector<double>()[0] != scale) ++wrong;
      }
    };
    std::thread other(work, 2.0);
    work(1);
    other.join();
    CHECK(wrong == 0);
  }
}
