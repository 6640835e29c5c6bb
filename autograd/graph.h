// Shows the graph behind a result: which operations made it, their shapes, and the leaves they
// started from. (autograd/trace.h shows a step running through it.)
//
//   Tensor loss = mean(square(linear(x, w, b) - y));
//   std::ofstream("loss.dot") << graph::dot(loss, {{"w", w}, {"b", b}});
//   // then: dot -Tsvg loss.dot > loss.svg     (Graphviz)
//   std::cout << graph::json(loss, {{"w", w}, {"b", b}});              // for programs
//
// Arrows point from inputs to results; gradients flow against them. Inputs that do not require
// gradients are not part of the graph and not drawn.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace gradus::graph {

// The graph as Graphviz text, the same every time for the same model: nodes are numbered in the
// order in which they were made. Leaves in `names` (nn::Module::named_parameters(), say) are
// labelled with their names. Throws GradError if nothing behind `output` requires gradients. Call
// it before backward(), which frees the graph: afterwards only the output is left.
std::string dot(const Tensor& output,
                const std::vector<std::pair<std::string, Tensor>>& names = {});

// The same graph as JSON, with gradients:
//
//   {"nodes": [{"id": 0, "op": "leaf", "name": "w", "inputs": [], "shape": [2], "dtype": "f32",
//               "bytes": 8, "value": {"values": [1, 2]}, "gradient": {"values": [4, 8]}}, ...]}
//
// `bytes` is the size of the node's result. `value` is present for named leaves, the output, and
// results that a gradient needs; `gradient` is d(output)/d(node). Up to 64 elements are written out
// in row-major order; larger tensors have "min", "mean" and "max". Runs one backward pass, which
// leaves the graph and the leaves' own gradients unchanged. Throws as backward() does, so the
// output must have one element.
std::string json(const Tensor& output,
                 const std::vector<std::pair<std::string, Tensor>>& names = {});

}  // namespace gradus::graph
