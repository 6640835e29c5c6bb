// The graph behind a result, to be looked at: which operations made it, of which shapes, from which
// leaves. (autograd/trace.h shows it in motion.)
//
//   Tensor loss = mean(square(linear(x, w, b) - y));
//   std::ofstream("loss.dot") << graph::dot(loss, {{"w", w}, {"b", b}});
//   // then: dot -Tsvg loss.dot > loss.svg     (Graphviz)
//   std::cout << graph::json(loss, {{"w", w}, {"b", b}});              // for programs
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

// The same graph as JSON, with gradients:
//
//   {"nodes": [{"id": 0, "op": "leaf", "name": "w", "inputs": [], "shape": [2], "dtype": "f32",
//               "bytes": 8, "value": {"values": [1, 2]}, "gradient": {"values": [4, 8]}}, ...]}
//
// `bytes` is the size of the node's result. `value` is there for named leaves, the output and results
// that a gradient needs; `gradient` is d(output)/d(node). Up to 64 elements are written out in
// row-major order, of more there are "min", "mean" and "max". Walks the graph back once, leaving
// it and the leaves' own gradients as they are; throws as backward() does, for an output of
// more than one element too.
std::string json(const Tensor& output,
                 const std::vector<std::pair<std::string, Tensor>>& names = {});

}  // namespace gradus::graph
