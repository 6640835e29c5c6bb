// Derivatives by reverse-mode differentiation, on numbers small enough to check by hand.

#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

int main() {
  // y = x^2 + 5x, dy/dx = 2x + 5
  Tensor x = tensor({1, 2, 3}).set_requires_grad();
  Tensor y = x * x + 5 * x;
  sum(y).backward();
  std::cout << "y      " << y << "\n";
  std::cout << "dy/dx  " << x.grad() << "\n";

  // A layer by hand: p = sigmoid(a w + b), and the slope of its loss against the target 1.
  Tensor a = tensor({{0.5, -1}});
  Tensor w = tensor({{2}, {1}}).set_requires_grad();
  Tensor b = tensor({0}).set_requires_grad();
  Tensor p = sigmoid(matmul(a, w) + b);  // a w = 0.5 * 2 - 1 * 1 = 0, so p = 1/2
  Tensor loss = -sum(log(p));
  loss.backward();
  std::cout << "loss   " << loss << "  (log 2)\n";
  std::cout << "dL/dw\n" << w.grad() << "\n";  // (p - 1) a^T = -1/2 (0.5, -1)
  std::cout << "dL/db  " << b.grad() << "\n";  // p - 1

  // Gradients are tensors: with create_graph they can be differentiated again. (x^4)''' = 24x
  Tensor z = tensor(2).set_requires_grad();
  Tensor d = pow(z, 4);
  for (int order = 1; order <= 3; ++order) {
    d = grad({d}, {z}, {.create_graph = true})[0];
    std::cout << "derivative " << order << " of z^4 at 2: " << d << "\n";
  }
}
