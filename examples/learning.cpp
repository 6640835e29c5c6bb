// A layer, a loss and an optimizer, with numbers that can be checked by hand. Course, chapter 4.

#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

int main() {
  // One example, two classes; class 0 is right.
  Tensor logits = tensor({{2, 0}}).set_requires_grad();
  Tensor labels = from_vector<std::int32_t>({0}, {1});
  Tensor surprise = nn::cross_entropy(logits, labels);
  surprise.backward();
  std::cout << "probabilities " << softmax(logits) << "\n";
  std::cout << "loss " << surprise << "  dL/dlogits " << logits.grad() << "\n";

  // A line through (-1, -1), (0, 1), (1, 3) is y = 2x + 1. Gradient descent finds it from y = 0.
  Tensor x = tensor({{-1}, {0}, {1}}), y = tensor({{-1}, {1}, {3}});
  nn::Linear line(1, 1);
  nn::init::zeros(line.weight);
  nn::init::zeros(line.bias);
  optim::SGD optimizer(line.parameters(), {.lr = 0.3});
  for (int step = 0; step < 8; ++step) {
    const Tensor loss = nn::mse_loss(line(x), y);
    optimizer.zero_grad();
    loss.backward();
    if (step < 3) {
      std::cout << "w " << line.weight << "  b " << line.bias << "  loss " << loss << "  dL/dw "
                << line.weight.grad() << "  dL/db " << line.bias.grad() << "\n";
    }
    optimizer.step();
  }
  std::cout << "after 8 steps: w " << line.weight << "  b " << line.bias << "\n";

  // One step of w = 2 towards w * 3 = 5, watched.
  Tensor w = tensor(2).set_requires_grad();
  optim::SGD descent({w}, {.lr = 0.05});
  std::cout << graph::trace(
      [&] {
        const Tensor miss = w * 3 - 5;
        (miss * miss).backward();
        descent.step();
      },
      {{"w", w}});
}
