// The graph. Every recorded result holds a Node: the op that made it, its inputs, and for each
// input a pullback, the function from dL/d(result) to dL/d(input). An op reads like this:
//
//   Tensor operator*(a, b) {
//     return record("mul", compute::binary(BinaryOp::mul, a, b),
//                   edge(a, [b](const Tensor& g) { return g * b; }),
//                   edge(b, [a](const Tensor& g) { return g * a; }));
//   }
//
// A pullback may capture inputs but never the result: the result holds the node that holds the
// pullback, so that would be a cycle. One that needs the result takes it as a second argument:
//
//   edge(x, [](const Tensor& g, const Tensor& y) { return g * y; })      // exp
//
// It returns a gradient of the input's shape, or of a shape that the input broadcasts to: the
// engine then sums it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "autograd/gradient.h"
#include "tensor/tensor.h"

namespace gradus {

using Pullback = std::function<Gradient(const Tensor& gradient, const Tensor& result)>;

struct Edge {
  std::shared_ptr<Node> node;  // the input's; null if it needs no gradient
  Pullback pullback;
  bool uses_result = false;
  int place = 0;  // which of the op's inputs this is, counted from 0
};

struct Node {
  explicit Node(const char* op, const Tensor& result);
  ~Node();  // frees the graph behind it without recursion
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  bool is_leaf() const { return inputs.empty() && !freed; }

  const std::uint64_t id;  // grows with time: inputs have smaller ids than their results
  const char* const op;    // "leaf" for a tensor that the user made
  const Shape shape;
  const DType dtype;
  std::vector<Edge> inputs;
  Tensor result;                   // kept, without its node, if a pullback asks for it
  Gradient gradient;               // leaves: what backward() has added up
  bool wants_gradient = true;      // leaves: false while frozen
  bool freed = false;              // backward() has passed and released the pullbacks
  std::uint64_t newest_input = 0;  // the largest id of the inputs
};

// Whether results are recorded on this thread, and whether DetectAnomaly looks at their numbers.
bool grad_enabled();
bool detecting_anomaly();

// While it exists, it is told of every result recorded in this thread and every step of a backward
// pass (autograd/trace.h).
class Listener {
 public:
  Listener();
  virtual ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  virtual void recorded(const Tensor& result) = 0;
  // The backward pass visits a node, whose gradient is complete.
  virtual void arrived(const Node& at, const Gradient& gradient) = 0;
  // It passes a contribution from `at` to an input, whose gradient so far is then `sum`. Between
  // arrived() and sent() there may be another backward pass, run by a pullback
  // (autograd/checkpoint.h).
  virtual void sent(const Node& at, const Edge& to, const Gradient& contribution,
                    const Gradient& sum) = 0;

 private:
  Listener* before_;
};

// The node that gradients of `input` go to; null if none are needed.
inline std::shared_ptr<Node> end_of(const Tensor& input) {
  return input.requires_grad() && grad_enabled() ? input.node() : nullptr;
}

template <class F>
Edge edge(const Tensor& input, F pullback) {
  if (end_of(input) == nullptr) return {};
  if constexpr (std::is_invocable_v<F, const Tensor&, const Tensor&>) {
    return {input.node(), std::move(pullback), true};
  } else {
    return {input.node(),
            [f = std::move(pullback)](const Tensor& g, const Tensor&) -> Gradient { return f(g); },
            false};
  }
}

// `result` with a node if any edge has an input's node, else without one.
Tensor record(const char* op, const Tensor& result, std::vector<Edge> edges);

template <class... Edges>
Tensor record(const char* op, const Tensor& result, Edges... edges) {
  std::vector<Edge> list;
  (list.push_back(std::move(edges)), ...);
  return record(op, result, std::move(list));
}

// Edges to `inputs` (null if no gradient is needed) whose gradients one function computes together,
// in the same order. It runs once per visit.
using JointPullback =
    std::function<std::vector<Gradient>(const Tensor& gradient, const Tensor& result)>;
std::vector<Edge> joint_edges(const std::vector<std::shared_ptr<Node>>& inputs,
                              JointPullback pullback);

// All nodes behind `output`, by id: inputs before results. Empty if it has no graph.
std::map<std::uint64_t, const Node*> nodes_behind(const Tensor& output);

// x as the result of an op that has nothing to do: x itself, or x outside the graph under NoGrad.
Tensor unchanged(const Tensor& x);

// The gradients at `ends`, given the gradient of `output`. The backward pass stops there; a node
// that it does not reach gets an undefined gradient.
std::vector<Gradient> gradients_at(const Tensor& output, const Tensor& gradient,
                                   const std::vector<std::shared_ptr<Node>>& ends,
                                   bool create_graph);

// For a result whose gradients one kernel computes together. `kernel(g, y)` returns dL/d(input) for
// each of `inputs` (undefined ones are skipped) and runs once per visit. With create_graph,
// `definition(inputs)`, the op written in differentiable ops, is differentiated instead.
using Definition = std::function<Tensor(const std::vector<Tensor>& inputs)>;
using Kernel = std::function<std::vector<Tensor>(const Tensor& gradient, const Tensor& result)>;
Tensor record_fused(const char* op, const Tensor& result, const std::vector<Tensor>& inputs,
                    Definition definition, Kernel kernel);

}  // namespace gradus
