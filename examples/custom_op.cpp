// An operation of one's own: its result, its gradient, and the check that they belong together.

#include <gradus/autograd/node.h>
#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

// log(1 + e^x) without overflow for large x.
Tensor softplus_values(const Tensor& x) { return maximum(x, 0) + log(1 + exp(-abs(x))); }

// The result is computed outside the graph; record() puts it in, with a line an input that takes
// dL/dy to dL/dx. Here dy/dx = e^x / (1 + e^x) = sigmoid(x).
Tensor softplus(const Tensor& x) {
  return record("softplus", softplus_values(x.detach()),
                edge(x, [x](const Tensor& g) { return g * sigmoid(x); }));
}

// The same with a mistake: the slope stops at 0.9, so it is right for small x only.
Tensor wrong_softplus(const Tensor& x) {
  return record("wrong_softplus", softplus_values(x.detach()),
                edge(x, [x](const Tensor& g) { return g * minimum(sigmoid(x), 0.9); }));
}

int main() {
  Tensor x = tensor({0, 100, -100}).set_requires_grad();
  Tensor y = softplus(x);
  sum(y).backward();
  std::cout << "softplus " << y << "  slope " << x.grad() << "\n\n";  // log 2, 100, 0; 1/2, 1, 0

  // Away from 0, where abs has a kink. In f64: differences are too small for f32.
  const std::vector<Tensor> at{tensor({{-2, -1}, {1, 3}}, {DType::f64})};
  const auto right = [](const std::vector<Tensor>& in) { return softplus(in[0]); };
  const auto wrong = [](const std::vector<Tensor>& in) { return wrong_softplus(in[0]); };
  const GradcheckReport first = gradcheck(right, at);
  const GradcheckReport second = gradgradcheck(right, at);  // the pullback's own gradient
  const GradcheckReport caught = gradcheck(wrong, at);
  std::cout << first.text << "\n" << second.text << "\n" << caught.text << "\n";
  // sigmoid(3) = 0.953 is the only slope above 0.9.
  const bool blamed = caught.text.find("1 of 4 elements differ") != std::string::npos &&
                      caught.text.find("element [1, 1]") != std::string::npos;
  return first.ok && second.ok && !caught.ok && blamed ? 0 : 1;
}
