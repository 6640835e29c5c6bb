// What somebody who has only installed Gradus writes: tests/install.sh builds it in several ways.

#include <gradus/gradus.h>

#include <iostream>

#include "tensor/tensor.h"

using namespace gradus;

int main() {
  static_assert(kOwnTensor == 42);
  // An error is caught as what it is on this side of the library, too.
  try {
    matmul(ones({2, 3}), ones({2, 3}));
    return 1;
  } catch (const ShapeError& e) {
    std::cout << e.what() << "\n";
  }
  nn::Sequential model{nn::Linear(2, 3), relu, nn::Linear(3, 1)};
  optim::AdamW optimizer(model.parameters());
  const double before = mean(square(model(ones({4, 2})) - 10)).item();
  for (int i = 0; i < 10; ++i) {
    optimizer.zero_grad();
    mean(square(model(ones({4, 2})) - 10)).backward();
    optimizer.step();
  }
  const double after = mean(square(model(ones({4, 2})) - 10)).item();
  std::cout << "loss " << before << " -> " << after << "\n";
  return after < before ? 0 : 1;
}
