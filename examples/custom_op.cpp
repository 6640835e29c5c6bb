// An operation of your own: its result, its gradient, and the check that they belong together.

#include <gradus/autograd/node.h>
#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

// log((e^x + e^-x) / 2) without overflow for large x.
Tensor log_cosh_values(const Tensor& x) { return abs(x) + log((1 + exp(-2 * abs(x))) / 2); }

// The result is computed outside the graph; record() puts it in, with one line for each input that
// takes dL/dy to dL/dx. Here dy/dx = sinh(x) / cosh(x) = tanh(x).
Tensor log_cosh(const Tensor& x) {
  return record("log_cosh", log_cosh_values(x.detach()),
                edge(x, [x](const Tensor& g) { return g * tanh(x); }));
}

// The same with a mistake: the slope is cut off at 0.9, so it is wrong for large x.
Tensor wrong_log_cosh(const Tensor& x) {
  return record("wrong_log_cosh", log_cosh_values(x.detach()),
                edge(x, [x](const Tensor& g) { return g * minimum(tanh(x), 0.9); }));
}

int main() {
  Tensor x = tensor({0, 100, -100}).set_requires_grad();
  Tensor y = log_cosh(x);
  sum(y).backward();
  std::cout << "log_cosh " << y << "  slope " << x.grad()
            << "\n\n";  // 0, 100 - log 2 twice; 0, 1, -1

  // Away from 0, where abs has a kink. In f64: differences are too small for f32.
  const std::vector<Tensor> at{tensor({{-2, -1}, {1, 3}}, {DType::f64})};
  const auto right = [](const std::vector<Tensor>& in) { return log_cosh(in[0]); };
  const auto wrong = [](const std::vector<Tensor>& in) { return wrong_log_cosh(in[0]); };
  const GradcheckReport first = gradcheck(right, at);
  const GradcheckReport second = gradgradcheck(right, at);  // the pullback's own gradient
  const GradcheckReport caught = gradcheck(wrong, at);
  std::cout << first.text << "\n" << second.text << "\n" << caught.text << "\n";
  // tanh(3) = 0.995 is the only slope above 0.9.
  const bool blamed = caught.text.find("1 of 4 elements differ") != std::string::npos &&
                      caught.text.find("element [1, 1]") != std::string::npos;
  return first.ok && second.ok && !caught.ok && blamed ? 0 : 1;
}
