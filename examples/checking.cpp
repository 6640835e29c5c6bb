// Is a gradient right? Compare it with differences. Course, chapter 3.

#include <gradus/autograd/node.h>
#include <gradus/gradus.h>

#include <cmath>
#include <iomanip>
#include <iostream>

using namespace gradus;

// The central difference of x^3 at 2, whose slope is 3 * 2^2 = 12.
double difference(double eps, DType dtype) {
  const auto cube = [&](double at) {
    const Tensor x = tensor(at, {.dtype = dtype});
    return (x * x * x).item();
  };
  return (cube(2 + eps) - cube(2 - eps)) / (2 * eps);
}

// x^3 with a mistake in its pullback: 2 x^2 for 3 x^2.
Tensor wrong_cube(const Tensor& x) {
  const Tensor values = x.detach();
  return record("cube", values * values * values,
                edge(x, [x](const Tensor& g) { return g * 2 * square(x); }));
}

int main() {
  std::cout << "eps    error in f64  in f32\n" << std::scientific << std::setprecision(0);
  for (const double eps : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8}) {
    std::cout << eps << "  " << std::abs(difference(eps, DType::f64) - 12) << "         "
              << std::abs(difference(eps, DType::f32) - 12) << "\n";
  }

  const Tensor x = tensor({1, 2}, {.dtype = DType::f64});
  std::cout << gradcheck([](const auto& in) { return wrong_cube(in[0]); }, {x}).text << "\n";

  const auto right = [](const auto& in) { return pow(in[0], 3); };
  std::cout << std::boolalpha << "pow(x, 3): " << gradcheck(right, {x}).ok << "\n";
  std::cout << "its gradient's gradient: " << gradgradcheck(right, {x}).ok << "\n";

  const Tensor kink = tensor({0}, {.dtype = DType::f64});
  const auto kinked = [](const auto& in) { return maximum(3 * in[0], in[0]); };
  std::cout << "maximum(3x, x) at 0: " << gradcheck(kinked, {kink}).ok << "\n";
  const auto relu_at = [](const auto& in) { return relu(in[0]); };
  std::cout << "relu at 0: " << gradcheck(relu_at, {kink}).text << "\n";
}
