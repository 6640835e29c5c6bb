// The graph behind a result, drawn: which operations made it, of which shapes, from which leaves.
//
//   Tensor loss = mean(square(linear(x, w, b) - y));
//   std::ofstream("loss.dot") << graph::dot(loss, {{"w", w}, {"b", b}});
//   // then: dot -Tsvg loss.dot > loss.svg     (Graphviz)
//
// Arrows run as the numbers did, from inputs to results; gradients flow against them. Inputs that
// do not require gradients are not part of the graph and not drawn.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace gradus::graph {

// Graphviz text, the same for the same model every time: nodes are numbered in the order in which
// they were made. Leaves in `names` are drawn under their names (nn::Module::named_parameters()
// gives such a list). Throws GradError if nothing behind `output` requires gradients. A graph that
// backward() has freed ends at the output.
std::string dot(const Tensor& output,
                const std::vector<std::pair<std::string, Tensor>>& names = {});

}  // namespace gradus::graph
