#include "autograd/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus {

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>& inputs)>;
using Nodes = std::vector<std::shared_ptr<Node>>;

// f(inputs) with its graph. The inputs take part under nodes of their own, at which a walk can end
// although the graph goes on behind them.
struct Run {
  Run(const Function& f, const std::vector<Tensor>& inputs) : begin(Node("begin", {}).id) {
    GradMode on(true);
    std::vector<Tensor> own;
    for (const Tensor& x : inputs) {
      own.push_back(x.requires_grad()
                        ? record("input", x.detach(), edge(x, [](const Tensor& g) { return g; }))
                        : x);
      input_nodes.push_back(own.back().node());
    }
    result = f(own);
  }

  bool is_input(const std::shared_ptr<Node>& node) const {
    return std::find(input_nodes.begin(), input_nodes.end(), node) != input_nodes.end();
  }

  const std::uint64_t begin;  // nodes of this run have larger ids
  Nodes input_nodes;          // null where no gradient is wanted
  Tensor result;
};

// Where the graph of a run ends.
struct Ends {
  std::vector<std::size_t> inputs;  // numbers of those that the result depends on
  Nodes captured;                   // older than the run: parameters, most of all
};

Ends ends_of(const Run& run) {
  Ends ends;
  std::unordered_set<const Node*> seen;
  Nodes waiting{run.result.node()};
  while (!waiting.empty()) {
    const std::shared_ptr<Node> node = std::move(waiting.back());
    waiting.pop_back();
    if (!seen.insert(node.get()).second || run.is_input(node)) continue;
    if (node->id < run.begin) {
      ends.captured.push_back(node);
      continue;
    }
    for (const Edge& e : node->inputs) waiting.push_back(e.node);
  }
  for (std::size_t i = 0; i < run.input_nodes.size(); ++i) {
    if (seen.contains(run.input_nodes[i].get())) ends.inputs.push_back(i);
  }
  return ends;
}

// The random numbers from `state` on, as long as this lives.
class Replay {
 public:
  explicit Replay(RandomState state) { set_random_state(state); }
  ~Replay() { set_random_state(before_); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

 private:
  const RandomState before_ = random_state();
};

// One end for each edge of the checkpoint's node: nodes[i] for input i, or captured.
Nodes joined(const Ends& ends, const Nodes& nodes) {
  Nodes all;
  for (const std::size_t i : ends.inputs) all.push_back(nodes[i]);
  all.insert(all.end(), ends.captured.begin(), ends.captured.end());
  return all;
}

}  // namespace

Tensor checkpoint(Function f, const std::vector<Tensor>& inputs) {
  if (!grad_enabled()) return f(inputs);
  const RandomState state = random_state();
  // The first run is recorded, too: its graph says what f captured. It is let go of on return.
  const Run first(f, inputs);
  if (!first.result.requires_grad()) return first.result;
  const Ends ends = ends_of(first);
  Nodes nodes;
  for (const Tensor& x : inputs) nodes.push_back(end_of(x));
  const auto pullback = [f = std::move(f), inputs, ends, state](const Tensor& g, const Tensor&) {
    const Replay replay(state);
    const Run again(f, inputs);
    const Nodes wanted = joined(ends, again.input_nodes);
    std::vector<Gradient> gradients = gradients_at(again.result, g, wanted, grad_enabled());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (gradients[i].defined()) continue;
      throw GradError(
          fmt::format("[checkpoint] run again, the function does not depend on a tensor {} that it "
                      "depended on at first; it must do the same every time",
                      to_string(wanted[i]->shape)));
    }
    return gradients;
  };
  return record("checkpoint", first.result.detach(), joint_edges(joined(ends, nodes), pullback));
}

Tensor checkpoint(std::function<Tensor(const Tensor& x)> f, const Tensor& x) {
  return checkpoint(
      Function([f = std::move(f)](const std::vector<Tensor>& in) { return f(in[0]); }),
      std::vector<Tensor>{x});
}

}  // namespace gradus
