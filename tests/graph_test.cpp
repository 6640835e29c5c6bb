#include "autograd/graph.h"

#include <doctest/doctest.h>

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
