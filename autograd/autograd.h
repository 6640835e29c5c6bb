// Reverse-mode differentiation: how to ask for gradients, and how not to record.
//
//   Tensor x = tensor({1, 2, 3}).set_requires_grad();
//   Tensor y = sum(x * x);
//   std::vector<Tensor> g = grad({y}, {x}, {.retain_graph = true});   // g[0] is 2x: {2, 4, 6}
//   y.backward();                             // or added to x.grad(); frees the graph
//
// The walk visits nodes by decreasing id, which is a reverse topological order since inputs are
// made before results; it needs no recursion and no sorting of the whole graph. Threads may walk at
// the same time, to the same leaves too; through the same graph if they retain it.
#pragma once

#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

struct BackwardOptions {
  // dL/d(output); undefined: 1, and the output must have one element.
  Tensor gradient = {};
  // Keep what pullbacks captured, so that the graph can be walked again. Otherwise it is freed as
  // the walk goes, and a second walk throws GradError.
  bool retain_graph = false;
  // Record the pullbacks too, so that gradients can be differentiated again. Implies retain_graph.
  // A leaf's gradient then holds the graph that holds the leaf: with backward(), end with
  // zero_grad(), or neither is ever freed. grad() has no such knot.
  bool create_graph = false;
};

// Adds d(output)/d(leaf) to the gradient of every leaf behind `output`. Throws GradError if nothing
// behind it requires gradients, ShapeError if it has more than one element and no gradient is
// given.
void backward(const Tensor& output, const BackwardOptions& options = {});

// The gradients of the sum of `outputs`, each of one element unless a gradient is given, with respect
// to `inputs` (leaves or not), dense; leaves' own gradients stay as they are. Zeros for an input that
// the outputs do not depend on.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const BackwardOptions& options = {});

// x, watched: when a gradient comes back to the tensor returned, f is given it, and what f returns
// (of the same shape) goes on to x in its place. To look without changing anything, return it as it
// is.
//
//   h = on_gradient(h, [](const Tensor& g) { std::cout << max(abs(g)) << "\n"; return g; });
//
// What the modules of a model put out is watched with nn::Watch (nn/watch.h). A leaf's gradient is
// in grad() after backward().
Tensor on_gradient(const Tensor& x, std::function<Tensor(const Tensor& g)> f);

// While one of these lives, this thread records nothing (or, with `true`, records again).
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

// While one of these lives, every operation on this thread throws Error as soon as its result, or in
// a backward pass a gradient that it sends, holds a NaN, naming the op and the shape: the way to find
// where a NaN loss came from. Slow.
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
