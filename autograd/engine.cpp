#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

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

Tensor record(const char* op, const Tensor& result, std::vector<Edge> edges) {
  if (detecting && is_floating(result.dtype()) && result.numel() > 0 &&
      std::isnan(compute::reduce(ReduceOp::max, result, {}).item())) {
    throw Error(
        fmt::format("[{}] made the first NaN: its result {} holds one", op, describe(result)));
  }
  for (std::size_t i = 0; i < edges.size(); ++i) edges[i].place = static_cast<int>(i);
  std::erase_if(edges, [](const Edge& e) { return e.node == nullptr; });
  if (edges.empty()) return result;
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

// Undoes broadcasting: here, once, so that no op has to.
Gradient fit(const Gradient& gradient, const Shape& shape) {
  return gradient.shape() == shape ? gradient : Gradient(sum_to(gradient.dense(), shape));
}

void start(Frontier& frontier, const Tensor& output, const BackwardOptions& options) {
  if (!output.requires_grad()) {
    throw GradError(
        fmt::format("[backward] nothing behind this {} requires gradients; call "
                    "set_requires_grad() on a leaf before computing it",
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
    gradient = ones(output.shape(), {output.dtype(), &output.backend()});
  }
  compute::check_same("backward", gradient, output);
  if (gradient.shape() != output.shape()) {
    throw ShapeError(fmt::format("[backward] gradient {} must have the shape of the output {}",
                                 to_string(gradient.shape()), to_string(output.shape())));
  }
  add(frontier, output.node(), gradient);
}

// Visits everything behind the frontier made since node `oldest`; `arrive` is called with each
// node's complete gradient, and says whether to go on behind it. A node with nothing behind it that
// new is neither expanded nor freed: other outputs may still need it.
template <class Arrive>
void walk(Frontier frontier, const BackwardOptions& options, std::uint64_t oldest, Arrive arrive) {
  GradMode mode(options.create_graph);
  while (!frontier.empty() && frontier.begin()->first >= oldest) {
    const Waiting at = std::move(frontier.extract(frontier.begin()).mapped());
    Node& node = *at.node;
    const bool go_on = arrive(at.node, at.gradient);
    if (listener != nullptr) listener->arrived(node, at.gradient);
    if (!go_on || node.newest_input < oldest) continue;
    if (node.freed) {
      throw GradError(
          fmt::format("[backward] the graph behind '{}' {} was freed by an earlier "
                      "backward; pass {{.retain_graph = true}} to the earlier one",
                      node.op, to_string(node.shape)));
    }
    if (node.is_leaf()) continue;
    const Tensor gradient = at.gradient.dense();
    const Tensor result = node.result.defined() ? node.result.with_node(at.node) : Tensor();
    for (const Edge& e : node.inputs) {
      const Gradient part = fit(e.pullback(gradient, result), e.node->shape);
      const Gradient& so_far = add(frontier, e.node, part);
      if (listener != nullptr) listener->sent(e, part, so_far);
    }
    if (!options.retain_graph && !options.create_graph) {
      const std::vector<Edge> let_go = std::move(node.inputs);
      node.inputs.clear();
      node.result = Tensor();
      node.freed = true;
    }
  }
}

}  // namespace

void backward(const Tensor& output, const BackwardOptions& options) {
  Frontier frontier;
  start(frontier, output, options);
  walk(std::move(frontier), options, 0, [](const std::shared_ptr<Node>& node, const Gradient& g) {
    if (node->is_leaf()) node->gradient += g;
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
    gradients.push_back(g.defined() ? g : zeros(input.shape(), {input.dtype(), &input.backend()}));
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
  // The engine visits the edges of a node one after the other: the first computes for all.
  struct Shared {
    std::vector<Gradient> gradients;
    std::ptrdiff_t left = 0;
  };
  const std::ptrdiff_t wanted =
      std::ssize(inputs) - std::count(inputs.begin(), inputs.end(), nullptr);
  auto shared = std::make_shared<Shared>();
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    edges.push_back({inputs[i],
                     [=](const Tensor& g, const Tensor& y) {
                       if (shared->left == 0) {
                         shared->gradients = pullback(g, y);
                         shared->left = wanted;
                       }
                       Gradient mine = shared->gradients[i];
                       if (--shared->left == 0) shared->gradients.clear();
                       return mine;
                     },
                     true});
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
  for (const Tensor& x : inputs) nodes.push_back(grad_enabled() ? x.node() : nullptr);
  return record(op, result, joint_edges(nodes, [=](const Tensor& g, const Tensor& y) {
                  const std::vector<Tensor> all =
                      grad_enabled() ? differentiate(definition, inputs, g) : kernel(g, y);
                  return std::vector<Gradient>(all.begin(), all.end());
                }));
}

// ---- The part of Tensor that knows the graph ----

Tensor& Tensor::set_requires_grad(bool on) {
  if (node_ != nullptr && !node_->is_leaf()) {
    throw GradError(
        fmt::format("[set_requires_grad] {} was computed by '{}'; only leaves can be set: "
                    "detach() it first",
                    describe(*this), node_->op));
  }
  if (!is_floating(dtype_)) {
    throw DTypeError(
        fmt::format("[set_requires_grad] gradients need f32 or f64, got {}", describe(*this)));
  }
  if (!on) {
    node_ = nullptr;
  } else if (node_ == nullptr) {
    node_ = std::make_shared<Node>("leaf", *this);
  }
  return *this;
}

const Gradient& Tensor::gradient() const {
  static const Gradient none;
  return node_ == nullptr ? none : node_->gradient;
}

Tensor Tensor::grad() const { return gradient().defined() ? gradient().dense() : Tensor(); }

void Tensor::set_gradient(Gradient gradient) {
  if (node_ == nullptr) {
    throw GradError(
        fmt::format("[set_gradient] {} does not require gradients; call set_requires_grad() first",
                    describe(*this)));
  }
  node_->gradient = std::move(gradient);
}

void Tensor::zero_grad() {
  if (node_ != nullptr) node_->gradient = Gradient();
}

void Tensor::backward() const { gradus::backward(*this); }

void Tensor::assign(const Tensor& values) {
  if (node_ != nullptr && !node_->is_leaf()) {
    throw GradError(fmt::format("[assign] {} was computed by '{}'; only leaves can be written",
                                describe(*this), node_->op));
  }
  if (values.shape() != shape()) {
    throw ShapeError(fmt::format("[assign] values {} must have the shape {} of what they overwrite",
                                 to_string(values.shape()), to_string(shape())));
  }
  const Tensor source = to(values, {dtype_, &backend()});
  backend().unary(UnaryOp::copy, source.view(), view());
}

}  // namespace gradus
