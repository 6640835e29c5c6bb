// What goes on inside a model: the shapes, how large the outputs are and the gradients that come back
// to them, and what is left without a part. The model itself is not changed. Course, chapter 8.

#include <gradus/gradus.h>

#include <cmath>
#include <iomanip>
#include <iostream>

using namespace gradus;

// The root of the mean square.
double size_of(const Tensor& x) { return std::sqrt(mean(square(x)).item()); }

int main() {
  manual_seed(1);
  const nn::Sequential model{nn::Linear(16, 32), nn::Tanh(), nn::Linear(32, 32), nn::Tanh(),
                             nn::Linear(32, 1)};
  const Tensor x = normal({8, 16}), y = normal({8, 1});
  std::cout << nn::summary(model, [&] { model(x); });

  std::cout << std::fixed << std::setprecision(2);
  {
    const nn::Watch watch(model, [](const std::string& name, const Tensor& out) {
      std::cout << name << " puts out " << size_of(out) << "\n";
      return on_gradient(out, [name](const Tensor& g) {
        std::cout << name << " gets back " << size_of(g) << "\n";
        return g;
      });
    });
    nn::mse_loss(model(x), y).backward();
  }

  const double whole = nn::mse_loss(model(x), y).item();
  const nn::Watch without(model, [](const std::string& name, const Tensor& out) {
    return name == "2" ? out * 0 : out;  // tanh(0) = 0: only the last bias is left
  });
  const double rest = nn::mse_loss(model(x), y).item();
  std::cout << "loss " << whole << ", without 2 " << rest << "\n";
}
