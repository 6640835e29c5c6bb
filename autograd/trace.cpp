#include "autograd/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <unordered_map>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"

namespace gradus::graph {

namespace {

constexpr std::int64_t kShown = 12;  // elements of a tensor that are written out

using Names = std::vector<std::pair<std::string, Tensor>>;

// Values are copied: a step may write over parameters, which views share.
class Recorder : public Listener {
 public:
  explicit Recorder(const Names& names) {
    for (const auto& [name, leaf] : names) {
      if (!leaf.requires_grad()) continue;
      Trace::Node& node = trace_.nodes[static_cast<std::size_t>(number_of(*leaf.node()))];
      node.name = name;
      node.value = compute::copy(leaf);
    }
  }

  void recorded(const Tensor& result) override {
    std::vector<int> inputs;
    for (const Edge& edge : result.node()->inputs) inputs.push_back(number_of(*edge.node));
    Trace::Node& node = trace_.nodes[static_cast<std::size_t>(number_of(*result.node()))];
    node.inputs = std::move(inputs);
    node.value = compute::copy(result);
  }
  void arrived(const Node& at, const Gradient& gradient) override {
    trace_.visits.push_back({number_of(at), gradient, {}});
  }
  void sent(const Node& at, const Edge& to, const Gradient& contribution,
            const Gradient& sum) override {
    const auto visit = std::ranges::find(trace_.visits.rbegin(), trace_.visits.rend(),
                                         number_of(at), &Trace::Visit::node);
    visit->sent.push_back(
        {number_of(*to.node), std::string(rule_of(at.op, to.place)), contribution, sum});
  }

  Trace take() { return std::move(trace_); }

 private:
  // By id, not by address: nodes die within a step, and others are made where they were.
  int number_of(const Node& node) {
    const auto [found, fresh] = number_.emplace(node.id, static_cast<int>(trace_.nodes.size()));
    if (fresh) trace_.nodes.push_back({node.op, "", {}, node.shape, {}});
    return found->second;
  }

  Trace trace_;
  std::unordered_map<std::uint64_t, int> number_;
};

// Values on one line; of many, their range.
std::string brief(const Tensor& x) {
  if (!x.defined()) return "?";
  if (x.numel() > kShown) {
    const Tensor values = x.detach();
    return fmt::format("{:.5g} .. {:.5g}", min(values).item(), max(values).item());
  }
  std::string line;
  for (const char c : to_string(x)) {
    if (c == '\n') continue;
    if (c == ' ' && (line.back() == ' ' || line.back() == '[')) continue;
    line += c;
  }
  return line;
}

std::string brief(const Gradient& g) {
  if (g.is_sparse() && g.shape().numel() > kShown) {
    return fmt::format("{} in {} rows of {}", brief(g.values()), g.rows().numel(),
                       to_string(g.shape()));
  }
  return brief(g.dense());
}

}  // namespace

Trace trace(const std::function<void()>& step, const Names& names) {
  Recorder recorder(names);
  step();
  Trace result = recorder.take();
  for (const auto& [name, leaf] : names) result.after.emplace_back(name, compute::copy(leaf));
  return result;
}

std::string to_string(const Trace& trace) {
  std::string text = "forward\n";
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    const Trace::Node& node = trace.nodes[i];
    text += fmt::format("  n{} = {}", i, node.name.empty() ? node.op : node.name);
    for (std::size_t k = 0; k < node.inputs.size(); ++k) {
      text += fmt::format("{}n{}", k == 0 ? "(" : ", ", node.inputs[k]);
    }
    text += fmt::format("{} {}  {}\n", node.inputs.empty() ? "" : ")", to_string(node.shape),
                        brief(node.value));
  }
  text += "backward\n";
  for (const Trace::Visit& visit : trace.visits) {
    const Trace::Node& node = trace.nodes[static_cast<std::size_t>(visit.node)];
    text += fmt::format("  n{} {}: g = {}\n", visit.node, node.name.empty() ? node.op : node.name,
                        brief(visit.gradient));
    for (const Trace::Sent& sent : visit.sent) {
      text += fmt::format("    to n{}: {} = {}, in all {}\n", sent.node, sent.rule,
                          brief(sent.contribution), brief(sent.sum));
    }
  }
  if (!trace.after.empty()) text += "after\n";
  for (const auto& [name, value] : trace.after)
    text += fmt::format("  {} = {}\n", name, brief(value));
  return text;
}

std::ostream& operator<<(std::ostream& out, const Trace& trace) { return out << to_string(trace); }

}  // namespace gradus::graph
