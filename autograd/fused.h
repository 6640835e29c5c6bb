// Several elementwise operations in one pass over memory: what lies between stays in the cache, where
// each operation by itself would read and write all of it.
//
//   Tensor y = fused([&] { return where(x > 0, x, slope * x); });
//
// It has the bits that the operations have one after the other, and is as differentiable: where results
// are recorded or small, or the backend has no kernel (Backend::map), f just runs.
#pragma once

#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// f() is made of elementwise operations with numbers and broadcasting only: no views, casts or
// reductions of what they give. It may run twice. Throws Error where it asks for the numbers of a
// result, which there are none of yet.
Tensor fused(const std::function<Tensor()>& f);

// The same outside the graph: the value of an operation whose gradient is written beside it.
Tensor fused_value(const std::function<Tensor()>& f);

// Several results of one pass, all of one shape.
std::vector<Tensor> fused_all(const std::function<std::vector<Tensor>()>& f);

// The same as a pullback (node.h):
//
//   edge(x, in_one_pass([x](const Tensor& g) { return g / (x + 1); }))     // log1p
template <class F>
auto in_one_pass(F pullback) {
  if constexpr (std::is_invocable_v<F, const Tensor&, const Tensor&>) {
    return [f = std::move(pullback)](const Tensor& g, const Tensor& y) {
      return fused([&] { return f(g, y); });
    };
  } else {
    return [f = std::move(pullback)](const Tensor& g) { return fused([&] { return f(g); }); };
  }
}

// The same in the memory of `targets`, outside the graph, for optimizers. Returns false, and changes
// nothing, if there is no such pass: where the targets are small, strided or of several shapes, or one
// is read after it was written. f() may have run all the same.
bool assign_fused(const std::vector<Tensor>& targets,
                  const std::function<std::vector<Tensor>()>& f);

// The operations of an f, noted down instead of computed.
class Notes {
 public:
  // Those of this thread, if it notes down the next operation, whose result has this shape. Where that
  // is the first and small, it stops noting down: passes over memory in a cache are quicker than notes.
  static Notes* current(const Shape& shape);
  // What stands for the result: a tensor without memory.
  Tensor add(decltype(MapStep::op) op, const std::vector<Tensor>& inputs, const Shape& shape,
             DType dtype);

  // Whether there are none since it stopped: results hold their numbers.
  bool stopped() const { return stopped_; }
  // Computes these results, in the targets' memory if there are any; false if there is no kernel.
  bool compute(std::span<Tensor> results, std::span<const Tensor> targets);

 private:
  int value_of(const Tensor& x);
  bool write(const Tensor& result, const View& out);
  bool reads_what_it_wrote() const;

  std::vector<MapStep> steps_;
  std::vector<Tensor> results_, inputs_;
  bool stopped_ = false;
  bool views_ = false;  // whether a result was seen through another layout, which map() cannot do
};

}  // namespace gradus
