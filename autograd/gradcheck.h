// Is a gradient right? gradcheck differentiates a function twice - by autograd and by central
// differences, (f(x + eps) - f(x - eps)) / (2 eps) for one element of x at a time - and compares.
//
//   auto f = [](const std::vector<Tensor>& in) { return tanh(matmul(in[0], in[1])); };
//   const TensorOptions f64{.dtype = DType::f64};
//   const Tensor a = normal({2, 3}, 0, 1, f64), b = normal({3, 2}, 0, 1, f64);
//   const GradcheckReport report = gradcheck(f, {a, b});
//   if (!report.ok) std::cout << report.text;
//
// The parameters of a module are checked where they are: leaves that require gradients are written
// into, and put back, so that the function need not look at its argument.
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
// Differences need f64: of f(x + 1e-6) - f(x - 1e-6) only a digit or two would be left in f32. And
// they need a smooth f near x: keep inputs several eps away from kinks (relu and abs at 0, ties in
// max and sort, the edges of clamp), where the two sides of a difference disagree.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

struct GradcheckOptions {
  double eps = 1e-6;   // the step; the truncation error grows with eps^2, the rounding with 1 / eps
  double atol = 1e-5;  // |autograd - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-3;
};

struct GradcheckReport {
  bool ok = true;
  std::string text;  // what was compared and, if not ok, the first elements that differ
};

// Any function of tensors that gives one f64 tensor. Its result may have any shape: it is weighed
// with fixed random weights and summed, so that errors in two outputs cannot cancel. Random numbers
// (dropout) are the same in every call of f, and the random state is put back at the end.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>& inputs)>;

// Checks d(result)/d(input) for every element of every f64 input; i32 and boolean inputs are passed
// on as they are. Row-sparse gradients are compared in full. A leaf that requires gradients is given to
// f itself, and has its values back at the end, even if f throws; of all other f64 inputs f is given
// copies. Throws DTypeError for an f32 input, none that is f64, or a result that is not, Error if f
// depends on no input at all, so that nothing would be checked; errors of f itself pass through.
GradcheckReport gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});

// The same for the gradients' own gradients: checks (inputs, v) -> d(sum(v * f(inputs)))/d(inputs),
// as grad() gives it with create_graph.
GradcheckReport gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});

}  // namespace gradus
