#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {
std::atomic<std::uint64_t> next_id{1};
thread_local bool recording = true;
thread_local bool detecting = false;
thread_local Listener* listener = nullptr;
}  // namespace

bool grad_enabled() { return recording; }
bool detecting_anomaly() { return detecting; }
GradMode::GradMode(bool enabled) : before_(recording) { recording = enabled; }
GradMode::~GradMode() { recording = before_; }
DetectAnomaly::DetectAnomaly() : before_(detecting) { detecting = true; }
DetectAnomaly::~DetectAnomaly() { detecting = before_; }
Listener::Listener() : before_(listener) { listener = this; }
Listener::~Listener() { listener = before_; }

Node::Node(const char* name, const Tensor& r)
    : id(next_id++), op(name), shape(r.shape()), dtype(r.dtype()) {}

// Destroying an edge may destroy the last handle to its input, and so on down a chain of any
// length. Only the outermost ~Node on a thread destroys edges; those within leave theirs to it.
Node::~Node() {
  thread_local std::vector<Edge>* outermost = nullptr;
  if (outermost != nullptr) {
    outermost->insert(outermost->end(), std::make_move_iterator(inputs.begin()),
                      std::make_move_iterator(inputs.end()));
    return;
  }
  std::vector<Edge> waiting = std::move(inputs);
  outermost = &waiting;
  while (!waiting.empty()) {
    Edge last = std::move(waiting.back());
    waiting.pop_back();
  }
  outermost = nullptr;
}

namespace {
void check_no_nan(const char* op, const char* what, const Tensor& x) {
  if (is_floating(x.dtype()) && x.numel() > 0 &&
      std::isnan(compute::reduce(ReduceOp::max, x, {}).item())) {
    throw Error(fmt::format("[{}] made the first NaN: its {} {} holds one", op, what, describe(x)));
  }
}
}  // namespace

Tensor record(const char* op, const Tensor& result, std::vector<Edge> edges) {
  if (detecting) check_no_nan(op, "result", result);
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i].place = static_cast<int>(i);
  std::erase_if(edges, [](const Edge& e) { return e.node == nullptr; });
  if (edges.empty()) return result.detach();
  auto node = std::make_shared<Node>(op, result);
  for (const Edge& e : edges) {
    if (e.uses_result) node->result = result.detach();
    node->newest_input = std::max(node->newest_input, e.node->id);
  }
  node->inputs = std::move(edges);
  Tensor recorded = result.with_node(std::move(node));
  if (listener != nullptr) listener->recorded(recorded);
  return recorded;
}

Tensor unchanged(const Tensor& x) { return grad_enabled() ? x : x.detach(); }

namespace {

// Nodes to visit, the latest made first, each with the gradient that has reached it so far.
struct Waiting {
  std::shared_ptr<Node> node;
  Gradient gradient;
};
using Frontier = std::map<std::uint64_t, Waiting, std::greater<>>;

// The node's gradient so far, this one added.
const Gradient& add(Frontier& frontier, const std::shared_ptr<Node>& node,
                    const Gradient& gradient) {
  Waiting& waiting = frontier[node->id];
  waiting.node = node;
  waiting.gradient += gradient;
  return waiting.gradient;
}

void start(Frontier& frontier, const Tensor& output, const BackwardOptions& options) {
  if (!output.requires_grad()) {
    throw GradError(fmt::format(
        "[backward] nothing behind this {} requires gradients; call "
        "set_requires_grad() on a leaf before computing it; to differentiate a gradient, "
        "compute it with {{.create_graph = true}}",
        describe(output)));
  }
  Tensor gradient = options.gradient;
  if (!gradient.defined()) {
    if (output.numel() != 1) {
      throw ShapeError(
          fmt::format("[backward] the output {} has more than one element: reduce it, or "
                      "pass its gradient",
                      to_string(output.shape())));
    }
    gradient = ones(output.shape(), output.options());
  }
  compute::check_same("backward", gradient, output);
  if (gradient.shape() != output.shape()) {
    throw ShapeError(fmt::format("[backward] gradient {} must have the shape of the output {}",
                                 to_string(gradient.shape()), to_string(output.shape())));
  }
  add(frontier, output.node(), gradient);
}

// Whether `to` can have been broadcast from `from`.
bool broadcasts(const Shape& from, const Shape& to) {
  const int lead = to.rank() - from.rank();
  for (int axis = 0; axis < from.rank(); ++axis) {
    if (lead < 0 || (from[axis] != 1 && from[axis] != to[lead + axis])) return false;
  }
  return true;
}

// What a pullback sent, as the input can take it: summed where it was broadcast - here, once, so that no
// op has to - and nothing where it was frozen since. Kernels trust the types of gradients, which a
// pullback of a user's may change.
Gradient fit(const Gradient& sent, const Node& from, const Edge& to, const Backend& backend) {
  if (!to.node->wants_gradient) return {};
  if (!sent.defined()) {
    throw GradError(fmt::format(
        "[{}] its pullback gave input {} no gradient; it must give zeros where there is none",
        from.op, to.place));
  }
  if (!broadcasts(to.node->shape, sent.shape())) {
    throw ShapeError(
        fmt::format("[{}] its pullback gave input {} the gradient {}; it must be of the input's "
                    "shape {} or broadcast from it",
                    from.op, to.place, describe(sent), to_string(to.node->shape)));
  }
  const Gradient part =
      sent.shape() == to.node->shape ? sent : Gradient(sum_to(sent.dense(), to.node->shape));
  if (!part.is_of(to.node->dtype, backend)) {
    throw DTypeError(fmt::format(
        "[{}] its pullback gave input {} the gradient {}; it must be {} and stay on {}: "
        "cast() it",
        from.op, to.place, describe(part.values()), name_of(to.node->dtype), backend.name()));
  }
  return part;
}

// Visits everything behind the frontier made since node `oldest`; `arrive` is called with each
// node's complete gradient, and says whether to go on behind it. A node with nothing behind it that
// new is neither expanded nor freed: other outputs may still need it.
template <class Arrive>
void walk(Frontier frontier, const BackwardOptions& options, std::uint64_t oldest, Arrive arrive) {
  GradMode mode(options.create_graph);
  while (!frontier.empty() && frontier.begin()->first >= oldest) {
    Waiting at = std::move(frontier.extract(frontier.begin()).mapped());
    if (!at.gradient.is_sparse()) at.gradient = at.gradient.dense();  // all slices have come
    Node& node = *at.node;
    const bool go_on = arrive(at.node, at.gradient);
    if (listener != nullptr) listener->arrived(node, at.gradient);
    if (!go_on || node.newest_input < oldest) continue;
    if (node.freed) {
      throw GradError(fmt::format(
          "[backward] the graph behind '{}' {} was freed by an earlier "
          "backward; pass {{.retain_graph = true}} to the earlier one, or detach() what "
          "was carried over from the step before",
          node.op, to_string(node.shape)));
    }
    if (node.is_leaf()) continue;
    const Tensor gradient = at.gradient.dense();
    const Tensor result = node.result.defined() ? node.result.with_node(at.node) : Tensor();
    for (const Edge& e : node.inputs) {
      const Gradient part = fit(e.pullback(gradient, result), node, e, gradient.backend());
      const Gradient& so_far = add(frontier, e.node, part);
      if (detecting && part.defined()) check_no_nan(node.op, "gradient", part.values());
      if (listener != nullptr) listener->sent(node, e, part, so_far);
    }
    if (!options.retain_graph && !options.create_graph) {
      const std::vector<Edge> let_go = std::move(node.inputs);
      node.inputs.clear();
      node.result = Tensor();
      node.freed = true;
    }
  }
}

// Adds to a leaf's gradient. Other threads may do so too: what is there is taken out, added to and put
// back, so that no lock is held while a backend computes.
void accumulate(Gradient& gradient, Gradient more) {
  static std::mutex mutex;
  for (;;) {
    Gradient before;
    {
      const std::lock_guard lock(mutex);
      if (!gradient.defined()) {
        gradient = std::move(more);
        return;
      }
      before = std::exchange(gradient, {});
    }
    before += more;
    more = std::move(before);
  }
}

}  // namespace

void backward(const Tensor& output, const BackwardOptions& options) {
  Frontier frontier;
  start(frontier, output, options);
  walk(std::move(frontier), options, 0, [](const std::shared_ptr<Node>& node, const Gradient& g) {
    if (node->is_leaf() && node->wants_gradient) accumulate(node->gradient, g);
    return true;
  });
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const BackwardOptions& options) {
  std::unordered_map<const Node*, Tensor> found;
  std::uint64_t oldest =
      std::numeric_limits<std::uint64_t>::max();  // nothing older leads to an input
  for (const Tensor& input : inputs) {
    if (!input.requires_grad()) {
      throw GradError(fmt::format(
          "[grad] input {} does not require gradients; call set_requires_grad() before computing",
          describe(input)));
    }
    found[input.node().get()];
    oldest = std::min(oldest, input.node()->id);
  }
  Frontier frontier;
  for (const Tensor& output : outputs) start(frontier, output, options);
  walk(std::move(frontier), options, oldest,
       [&](const std::shared_ptr<Node>& node, const Gradient& g) {
         const auto wanted = found.find(node.get());
         if (wanted != found.end()) wanted->second = g.dense();
         return true;
       });
  std::vector<Tensor> gradients;
  for (const Tensor& input : inputs) {
    const Tensor& g = found[input.node().get()];
    gradients.push_back(g.defined() ? g : zeros(input.shape(), input.options()));
  }
  return gradients;
}

Tensor on_gradient(const Tensor& x, std::function<Tensor(const Tensor& g)> f) {
  const auto pullback = [f = std::move(f), shape = x.shape()](const Tensor& g) {
    Tensor changed = f(g);
    if (!changed.defined() || changed.shape() != shape) {
      throw ShapeError(
          fmt::format("[on_gradient] the function was given a gradient {} and returned "
                      "{}; both must have one shape",
                      to_string(g.shape()), describe(changed)));
    }
    return changed;
  };
  return record("on_gradient", x.detach(), edge(x, pullback));
}

namespace {
// The gradients of definition(inputs) as differentiable functions of the inputs and of g: each
// input is given a new node of its own, so that the walk stops there and equal inputs stay apart.
std::vector<Tensor> differentiate(const Definition& definition, const std::vector<Tensor>& inputs,
                                  const Tensor& g) {
  std::vector<Tensor> own;
  std::vector<Tensor> wanted;
  for (const Tensor& input : inputs) {
    own.push_back(input.requires_grad() ? record("input", input.detach(),
                                                 edge(input, [](const Tensor& d) { return d; }))
                                        : input);
    if (input.requires_grad()) wanted.push_back(own.back());
  }
  const Tensor output = definition(own);
  const std::vector<Tensor> found =
      grad({output}, wanted, {.gradient = g, .retain_graph = true, .create_graph = true});
  std::vector<Tensor> all(inputs.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].requires_grad()) all[i] = found[next++];
  }
  return all;
}
}  // namespace

std::vector<Edge> joint_edges(const std::vector<std::shared_ptr<Node>>& inputs,
                              JointPullback pullback) {
  // A walk visits the edges of a node one after the other: the first computes for all. Others may walk
  // at the same time, and one may have stopped half-way: each has what is its own under the address of
  // its gradient.
  struct Shared {
    JointPullback pullback;
    std::mutex mutex;
    std::map<const Tensor*, std::vector<Gradient>> of_walk;
  };
  const auto shared = std::make_shared<Shared>();
  shared->pullback = std::move(pullback);
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] != nullptr) wanted.push_back(i);
  }
  std::vector<Edge> edges(inputs.size());
  for (const std::size_t i : wanted) {
    const bool first = i == wanted.front(), last = i == wanted.back();
    edges[i] = {inputs[i],
                [=](const Tensor& g, const Tensor& y) {
                  std::vector<Gradient> all;
                  if (first) {
                    all = shared->pullback(g, y);
                    if (all.size() != inputs.size()) {
                      throw GradError(
                          fmt::format("[backward] a joint pullback returned {} gradients for {} "
                                      "inputs; undefined ones stand for those not wanted",
                                      all.size(), inputs.size()));
                    }
                  }
                  const std::lock_guard lock(shared->mutex);
                  std::vector<Gradient>& mine = shared->of_walk[&g];
                  if (first) mine = std::move(all);
                  Gradient part = std::move(mine[i]);
                  if (last) shared->of_walk.erase(&g);
                  return part;
                },
                true};
  }
  return edges;
}

std::vector<Gradient> gradients_at(const Tensor& output, const Tensor& gradient,
                                   const std::vector<std::shared_ptr<Node>>& ends,
                                   bool create_graph) {
  const BackwardOptions options{.gradient = gradient, .create_graph = create_graph};
  std::unordered_map<const Node*, Gradient> found;
  for (const std::shared_ptr<Node>& end : ends) found[end.get()];
  Frontier frontier;
  start(frontier, output, options);
  walk(std::move(frontier), options, 0, [&](const std::shared_ptr<Node>& node, const Gradient& g) {
    const auto end = found.find(node.get());
    if (end != found.end()) end->second = g;
    return end == found.end();
  });
  std::vector<Gradient> gradients;
  for (const std::shared_ptr<Node>& end : ends) gradients.push_back(found[end.get()]);
  return gradients;
}

Tensor record_fused(const char* op, const Tensor& result, const std::vector<Tensor>& inputs,
                    Definition definition, Kernel kernel) {
  std::vector<std::shared_ptr<Node>> nodes;
  for (const Tensor& x : inputs) nodes.push_back(end_of(x));
  return record(op, result, joint_edges(nodes, [=](const Tensor& g, const Tensor& y) {
                  const std::vector<Tensor> all =
                      grad_enabled() ? differentiate(definition, inputs, g) : kernel(g, y);
                  return std::vector<Gradient>(all.begin(), all.end());
                }));
}

}  // namespace gradus
