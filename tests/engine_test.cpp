#include <doctest/doctest.h>

#include "gradus.h"

using namespace gradus;

TEST_CASE("backward follows the chain rule") {
  // y = sum(x^2 + 5x), dy/dx = 2x + 5
  Tensor x = tensor({1, -2, 3}).set_requires_grad();
  sum(x * x + 5 * x).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{7, 1, 11});
}
