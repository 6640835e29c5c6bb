#include "autograd/trace.h"

#include <doctest/doctest.h>

#include "gradus.h"
#include "tests/op_table.h"

using namespace gradus;

TEST_CASE("a training step, forward, backward and after") {
  // y = w x at x = 3, w = 2; L = y y = 36; dL/dy = y + y = 12, dL/dw = 12 * 3 = 36
  Tensor w = tensor({2}).set_requires_grad();
  optim::SGD optimizer({w}, {.lr = 0.25});
  const graph::Trace t = graph::trace(
      [&] {
        const Tensor y = w * 3;
        sum(y * y, 0, true).backward();
        optimizer.step();
      },
      {{"w", w}});
  CHECK(graph::to_string(t) ==
        "forward\n"
        "  n0 = w [1]  [2]\n"
        "  n1 = mul(n0) [1]  [6]\n"
        "  n2 = mul(n1, n1) [1]  [36]\n"
        "  n3 = sum(n2) [1]  [36]\n"
        "backward\n"
        "  n3 sum: g = [1]\n"
        "    to n2: g, repeated = [1], in all [1]\n"
        "  n2 mul: g = [1]\n"
        "    to n1: g * b = [6], in all [6]\n"
        "    to n1: g * a = [6], in all [12]\n"
        "  n1 mul: g = [12]\n"
        "    to n0: g * b = [36], in all [36]\n"
        "  n0 w: g = [36]\n"
        "after\n"
        "  w = [-7]\n");
  CHECK(t.nodes[1].shape == Shape{1});
  CHECK(t.visits[1].sent[1].sum.dense().item() == 12);
}

TEST_CASE("the rule's place is that of the input, also where others require no gradient") {
  Tensor b = tensor({5}).set_requires_grad();
  const graph::Trace t = graph::trace([&] { sum(tensor({7}) - b).backward(); });
  CHECK(t.visits.end()[-2].sent[0].rule == "-g");
  CHECK(!t.nodes[0].value.defined());  // made before, and not named
}

TEST_CASE("nothing is told once the trace is over, and values are those of the time") {
  Tensor w = tensor({1, 2}).set_requires_grad();
  const graph::Trace t = graph::trace(
      [&] {
        const Tensor view = reshape(w, {2, 1});
        NoGrad off;
        w.assign(tensor({8, 9}));
      },
      {{"w", w}});
  const Tensor more = w * w;
  CHECK(t.nodes.size() == 2);
  CHECK(t.nodes[0].value.to_vector<float>() == std::vector<float>{1, 2});
  CHECK(t.nodes[1].value.to_vector<float>() == std::vector<float>{1, 2});
  CHECK(t.after[0].second.to_vector<float>() == std::vector<float>{8, 9});
}

TEST_CASE("a table's gradient is told by its rows") {
  Tensor table = zeros({100, 2}).set_requires_grad();
  const graph::Trace t = graph::trace([&] {
    sum(gather(table, from_vector<std::int32_t>({3, 5}, {2}))).backward();
  });
  CHECK(t.visits.back().gradient.is_sparse());
  CHECK(graph::to_string(t).find("1 .. 1 in 2 rows of [100, 2]") == std::string::npos);
  CHECK(graph::to_string(t).find("[[1, 1], [1, 1]] in 2 rows of [100, 2]") != std::string::npos);
}

TEST_CASE("every op has its rule in words") {
  CHECK(graph::rule_of("mul", 1) == "g * a");
  CHECK(graph::rule_of("nothing", 0).empty());
  std::size_t seen = 0;
  for (const OpRow& row : op_table()) {
    if (row.derivatives == Derivatives::none) continue;
    for (const std::string on : {"cpu", "reference"}) {
      std::vector<Tensor> inputs = make_inputs(row, row.shapes[0], DType::f64, backend(on));
      for (Tensor& x : inputs) {
        if (is_floating(x.dtype())) x.set_requires_grad();
      }
      const graph::Trace t = graph::trace([&] {
        const Tensor y = row.f(inputs);
        if (y.requires_grad()) sum(y).backward();
      });
      for (const graph::Trace::Visit& visit : t.visits) {
        for (const graph::Trace::Sent& sent : visit.sent) {
          const std::string& op = t.nodes[static_cast<std::size_t>(visit.node)].op;
          CHECK_MESSAGE(!sent.rule.empty(), op << " of " << row.name << " has none in rules.cpp");
          ++seen;
        }
      }
    }
  }
  CHECK(seen > 200);
}

TEST_CASE("a checkpoint sends its own gradients, though it walks another graph first") {
  Tensor w = tensor({0}).set_requires_grad();
  const auto f = [](const Tensor& x) { return exp(x) * 3; };
  const graph::Trace t = graph::trace([&] { sum(checkpoint(f, w * 2), 0, true).backward(); });
  for (const graph::Trace::Visit& visit : t.visits) {
    const std::string& op = t.nodes[static_cast<std::size_t>(visit.node)].op;
    if (op != "checkpoint") continue;
    REQUIRE(visit.sent.size() == 1);
    CHECK(t.nodes[static_cast<std::size_t>(visit.sent[0].node)].op == "mul");
    CHECK(visit.sent[0].contribution.dense().item() == 3);
    return;
  }
  FAIL("the checkpoint was not visited");
}
