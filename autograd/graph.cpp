#include "autograd/graph.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

// The latest node found but not yet expanded is expanded next, as in backward().
std::map<std::uint64_t, const Node*> nodes_behind(const Tensor& output) {
  std::map<std::uint64_t, const Node*> found;
  if (output.node() != nullptr) found.emplace(output.node()->id, output.node().get());
  for (auto at = found.rbegin(); at != found.rend(); ++at) {
    for (const Edge& edge : at->second->inputs) found.emplace(edge.node->id, edge.node.get());
  }
  return found;
}

}  // namespace gradus

namespace gradus::graph {

namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::pair<std::string, Tensor>>;

constexpr std::int64_t kWrittenOut = 64;

// A name may hold anything; a Graphviz string may not.
std::string quoted(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

void check_graph(const Tensor& output) {
  if (output.requires_grad()) return;
  throw GradError(
      fmt::format("[graph] nothing behind this {} requires gradients; call set_requires_grad() on "
                  "a leaf before computing it",
                  describe(output)));
}

}  // namespace

std::string dot(const Tensor& output, const Names& names) {
  check_graph(output);
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

namespace {

// The gradient that a walk brings to each node.
class Gradients : public Listener {
 public:
  void recorded(const Tensor&) override {}
  void arrived(const Node& at, const Gradient& gradient) override { found[&at] = gradient.dense(); }
  void sent(const Node&, const Edge&, const Gradient&, const Gradient&) override {}
  std::unordered_map<const Node*, Tensor> found;
};

Json summary(const Tensor& x) {
  if (x.numel() <= kWrittenOut) return {{"values", x.to_vector<double>()}};
  const Tensor values = x.detach();
  return {{"min", min(values).item()}, {"mean", mean(values).item()}, {"max", max(values).item()}};
}

}  // namespace

std::string json(const Tensor& output, const Names& names) {
  check_graph(output);
  if (output.node()->freed) {
    throw GradError(fmt::format(
        "[graph] the graph behind this {} was freed by an earlier backward: draw it before",
        describe(output)));
  }
  const auto nodes = nodes_behind(output);
  std::vector<Tensor> leaves;
  std::unordered_map<const Node*, Tensor> value{{output.node().get(), output}};
  std::unordered_map<const Node*, std::string> name_of;
  for (const auto& [id, node] : nodes) {
    if (node->result.defined()) value[node] = node->result;
    for (const Edge& edge : node->inputs) {
      if (edge.node->is_leaf()) leaves.push_back(output.with_node(edge.node));
    }
  }
  for (const auto& [name, tensor] : names) {
    value[tensor.node().get()] = tensor;
    name_of[tensor.node().get()] = name;
  }
  Gradients gradients;
  grad({output}, leaves.empty() ? std::vector{output} : leaves, {.retain_graph = true});

  Json list = Json::array();
  std::unordered_map<const Node*, std::size_t> number;
  for (const auto& [id, node] : nodes) {
    const std::size_t mine = number.size();
    number[node] = mine;
    Json entry{{"id", mine}, {"op", node->op}};
    if (name_of.count(node) > 0) entry["name"] = name_of[node];
    entry["inputs"] = Json::array();
    for (const Edge& edge : node->inputs) entry["inputs"].push_back(number.at(edge.node.get()));
    entry["shape"] = std::vector<std::int64_t>(node->shape.begin(), node->shape.end());
    entry["dtype"] = gradus::name_of(node->dtype);
    entry["bytes"] = node->shape.numel() * static_cast<std::int64_t>(size_of(node->dtype));
    if (value.count(node) > 0) entry["value"] = summary(value[node]);
    if (gradients.found.count(node) > 0) entry["gradient"] = summary(gradients.found[node]);
    list.push_back(std::move(entry));
  }
  try {
    return Json{{"nodes", std::move(list)}}.dump();
  } catch (const Json::type_error&) {
    throw Error("[graph] the name of a tensor is not valid UTF-8");
  }
}

}  // namespace gradus::graph
