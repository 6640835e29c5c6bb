#include "autograd/graph.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "gradus.h"

using namespace gradus;

TEST_CASE("dot draws inputs, operations and results in the order they were made") {
  Tensor w = ones({2, 3}).set_requires_grad();
  Tensor b = ones({2}).set_requires_grad();
  const Tensor y = w + unsqueeze(b, 1);
  const Tensor loss = sum(y * y);
  CHECK(graph::dot(loss, {{"layer.\"w\"", w}}) ==
        "digraph {\n"
        "  node [shape=box, fontname=\"sans-serif\"];\n"
        "  n0 [label=\"layer.\\\"w\\\"\\n[2, 3]\", style=filled, fillcolor=lightblue];\n"
        "  n1 [label=\"leaf\\n[2]\", style=filled, fillcolor=lightblue];\n"
        "  n2 [label=\"reshape\\n[2, 1]\"];\n"
        "  n1 -> n2;\n"
        "  n3 [label=\"add\\n[2, 3]\"];\n"
        "  n0 -> n3;\n"
        "  n2 -> n3;\n"
        "  n4 [label=\"mul\\n[2, 3]\"];\n"
        "  n3 -> n4;\n"
        "  n3 -> n4;\n"
        "  n5 [label=\"sum\\n[1, 1]\"];\n"
        "  n4 -> n5;\n"
        "  n6 [label=\"reshape\\n[]\"];\n"
        "  n5 -> n6;\n"
        "}\n");
}

TEST_CASE("a long graph is drawn without recursion; a constant has none") {
  Tensor x = tensor(1.0).set_requires_grad();
  Tensor y = x;
  for (int i = 0; i < 20'000; ++i) y = y + 1;
  const std::string text = graph::dot(y);
  CHECK(text.find("n20000 [") != std::string::npos);
  CHECK(text.find("n20001 [") == std::string::npos);
  CHECK_THROWS_AS(graph::dot(tensor(1.0)), GradError);
  y.backward();
  CHECK(graph::dot(y).find("n0 [label=\"add") != std::string::npos);
  CHECK(graph::dot(y).find("n1 [") == std::string::npos);
}

TEST_CASE("json has values, gradients and bytes, and changes nothing") {
  // y = 3 w, L = sum(y^2): dL/dy = 2 y, dL/dw = 6 y = 18 w (the exp is 1 whatever w)
  Tensor w = tensor({1, 2}).set_requires_grad();
  Tensor big = zeros({100}).set_requires_grad();
  const Tensor y = exp(w * 0) * 3 * w;
  const Tensor loss = sum(y * y) + sum(big);
  const auto found = nlohmann::json::parse(graph::json(loss, {{"w", w}}));
  const auto& nodes = found["nodes"];
  CHECK(nodes[0]["op"] == "leaf");
  CHECK(nodes[0]["name"] == "w");
  CHECK(nodes[0]["value"]["values"] == nlohmann::json({1, 2}));
  CHECK(nodes[0]["gradient"]["values"] == nlohmann::json({18, 36}));
  CHECK(nodes[0]["bytes"] == 8);
  CHECK(nodes[1]["shape"] == nlohmann::json({100}));
  CHECK(nodes[1]["gradient"] == nlohmann::json({{"min", 1}, {"mean", 1}, {"max", 1}}));
  CHECK(!nodes[1].contains("value"));
  CHECK(nodes[3]["op"] == "exp");  // whose gradient needs its result
  CHECK(nodes[3]["value"]["values"] == nlohmann::json({1, 1}));
  CHECK(nodes.back()["inputs"].size() == 2);
  CHECK(nodes.back()["value"]["values"] == nlohmann::json({45}));
  CHECK(nodes.back()["gradient"]["values"] == nlohmann::json({1}));
  CHECK(!w.grad().defined());
  loss.backward();  // the graph is still there
  CHECK(w.grad().to_vector<float>() == std::vector<float>{18, 36});
  CHECK_THROWS_AS(graph::json(loss), GradError);  // and now it is gone
  CHECK_THROWS_AS(graph::json(tensor(1.0)), GradError);
  CHECK_THROWS_AS(graph::json(w * 2), ShapeError);
}

TEST_CASE("what has nothing to do records nothing under NoGrad, as what has does") {
  const Tensor x = ones({3}).set_requires_grad(), one = ones({}).set_requires_grad();
  CHECK(reshape(x, {3}).requires_grad());
  const NoGrad off;
  for (const Tensor& y :
       {reshape(x, {3}), expand(x, {3}), cast(x, DType::f32), contiguous(x), pad(x, 0, 0, 0),
        dropout(x, 0), sum_to(x, {3}), flip(one, {}), cumsum(slice(x, 0, 0, 1), 0)}) {
    CHECK_FALSE(y.requires_grad());
  }
}
