// Checks gradients. gradcheck differentiates a function by autograd and by central differences,
// (f(x + eps) - f(x - eps)) / (2 eps) for one element of x at a time, and compares the two.
//
//   auto f = [](const std::vector<Tensor>& in) { return tanh(matmul(in[0], in[1])); };
//   const TensorOptions f64{.dtype = DType::f64};
//   const Tensor a = normal({2, 3}, 0, 1, f64), b = normal({3, 2}, 0, 1, f64);
//   const GradcheckReport report = gradcheck(f, {a, b});
//   if (!report.ok) std::cout << report.text;
//
// To check a module, pass its parameters. Leaves that require gradients are changed in place, then
// restored, so the function may ignore its argument:
//
//   nn::Linear layer(3, 2);
//   layer.to(f64);
//   gradcheck([&](const auto&) { return tanh(layer(a)); }, layer.parameters());
//
// A wrong pullback reads like this:
//
//   gradcheck: 1 of 4 elements differ
//     input 0 [2, 2], element [0, 1]: autograd 6, numeric 3.0000000002; they differ by 3, allowed
//     0.00301 (atol 1e-05 + rtol 0.001 * |numeric|)
//
// Differences need f64: in f32, f(x + 1e-6) - f(x - 1e-6) keeps only a digit or two. They also need
// f to be smooth near x: keep inputs several eps away from kinks (relu and abs at 0, ties in max
// and sort, the edges of clamp).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

struct GradcheckOptions {
  double eps = 1e-6;   // the step; truncation error grows with eps^2, rounding error with 1 / eps
  double atol = 1e-5;  // |autograd - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-3;
};

struct GradcheckReport {
  bool ok = true;
  std::string text;  // what was compared and, if not ok, the first elements that differ
};

// A function from tensors to one f64 tensor of any shape. The result is multiplied by fixed random
// weights and summed, so that errors in two elements cannot cancel. Every call of f gets the same
// random numbers (dropout), and the random state is restored at the end.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>& inputs)>;

// Checks d(result)/d(input) for every element of every f64 input. i32 and boolean inputs are passed
// on unchanged; row-sparse gradients are compared in full. f gets leaves that require gradients
// themselves, whose values are restored at the end even if f throws, and copies of all other f64
// inputs. Throws DTypeError for an f32 input, if no input is f64, or if the result is not; Error if
// f depends on no input, so that nothing would be checked. Exceptions from f pass through.
GradcheckReport gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});

// Checks second derivatives: the gradients of (inputs, v) -> d(sum(v * f(inputs)))/d(inputs), which
// grad() computes with create_graph.
GradcheckReport gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});

}  // namespace gradus
