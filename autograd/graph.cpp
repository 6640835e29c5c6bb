#include "autograd/graph.h"

#include <fmt/format.h>

#include <map>
#include <unordered_map>

#include "autograd/node.h"
#include "tensor/error.h"

namespace gradus::graph {

namespace {

// Everything behind `output`, by id: inputs before results. The latest node found but not yet
// expanded is expanded next, as in backward().
std::map<std::uint64_t, const Node*> nodes_behind(const Tensor& output) {
  std::map<std::uint64_t, const Node*> found{{output.node()->id, output.node().get()}};
  for (auto at = found.rbegin(); at != found.rend(); ++at) {
    for (const Edge& edge : at->second->inputs) found.emplace(edge.node->id, edge.node.get());
  }
  return found;
}

// A name may hold anything; a Graphviz string may not.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

std::string dot(const Tensor& output, const std::vector<std::pair<std::string, Tensor>>& names) {
  if (!output.requires_grad()) {
    throw GradError(
        fmt::format("[graph] nothing behind this {} requires gradients", describe(output)));
  }
  std::unordered_map<const Node*, std::string> name_of;
  for (const auto& [name, tensor] : names) {
    if (tensor.requires_grad()) name_of[tensor.node().get()] = name;
  }
  std::string text = "digraph {\n  node [shape=box, fontname=\"sans-serif\"];\n";
  std::unordered_map<const Node*, int> number;
  for (const auto& [id, node] : nodes_behind(output)) {
    const int mine = static_cast<int>(number.size());
    number[node] = mine;
    const auto named = name_of.find(node);
    text += fmt::format("  n{} [label=\"{}\\n{}\"{}];\n", mine,
                        quoted(named != name_of.end() ? named->second : node->op),
                        to_string(node->shape),
                        node->is_leaf() ? ", style=filled, fillcolor=lightblue" : "");
    for (const Edge& edge : node->inputs) {
      text += fmt::format("  n{} -> n{};\n", number.at(edge.node.get()), mine);
    }
  }
  return text + "}\n";
}

}  // namespace gradus::graph
