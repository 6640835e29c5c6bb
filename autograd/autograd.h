// Reverse-mode differentiation: how to compute gradients, and how to stop recording.
//
//   Tensor x = tensor({1, 2, 3}).set_requires_grad();
//   Tensor y = sum(x * x);
//   std::vector<Tensor> g = grad({y}, {x}, {.retain_graph = true});   // g[0] is 2x: {2, 4, 6}
//   y.backward();                             // or: adds 2x to x.grad(); frees the graph
//
// The backward pass visits nodes by decreasing id. Inputs are made before results, so that is a
// reverse topological order, and needs neither recursion nor sorting. Several threads may run
// backward passes at once, even to the same leaves; through the same graph only with retain_graph.
#pragma once

#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

struct BackwardOptions {
  // dL/d(output), of the output's shape. If undefined, 1, and the output must have one element.
  Tensor gradient = {};
  // Keep the graph for another backward pass. Otherwise it is freed on the way, and a second pass
  // throws GradError.
  bool retain_graph = false;
  // Record the backward pass, so that gradients can be differentiated again. Implies retain_graph.
  // With backward(), a leaf's gradient then holds the graph, which holds the leaf: call zero_grad()
  // when done, or neither is ever freed. grad() creates no such cycle.
  bool create_graph = false;
};

// Adds d(output)/d(leaf) to the gradient of every leaf behind `output`. Throws GradError if nothing
// behind it requires gradients or its graph was freed, ShapeError if it has more than one element
// and no gradient is given.
void backward(const Tensor& output, const BackwardOptions& options = {});

// The gradients of the sum of `outputs` with respect to `inputs` (leaves or not), dense; zeros for
// an input that the outputs do not depend on. Leaves' own gradients stay as they are. Throws as
// backward() does, and GradError for an input that does not require gradients.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const BackwardOptions& options = {});

// Returns x with a hook on its gradient: the backward pass calls f with the gradient of the
// returned tensor, and passes what f returns (of the same shape) to x. Return g to change nothing.
//
//   h = on_gradient(h, [](const Tensor& g) { std::cout << max(abs(g)) << "\n"; return g; });
//
// nn::Watch (nn/watch.h) watches the outputs of a model's modules. A leaf's gradient is in grad()
// after backward().
Tensor on_gradient(const Tensor& x, std::function<Tensor(const Tensor& g)> f);

// Turns recording on or off in this thread, until the end of its scope. NoGrad turns it off.
//
//   NoGrad off;      // the rest of this block records nothing
class GradMode {
 public:
  [[nodiscard]] explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

class NoGrad : public GradMode {
 public:
  [[nodiscard]] NoGrad() : GradMode(false) {}
};

// Finds where a NaN comes from: until the end of its scope, an operation in this thread throws
// Error as soon as its result, or a gradient that it passes back, holds a NaN. The message names
// the operation and the shape. Slow.
class DetectAnomaly {
 public:
  [[nodiscard]] DetectAnomaly();
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  bool before_;
};

}  // namespace gradus
