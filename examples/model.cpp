#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

struct Xor : nn::Module {
  nn::Linear hidden{2, 8}, out{8, 1};

  Tensor operator()(const Tensor& x) const { return out(tanh(hidden(x))); }
  void visit(nn::Visitor& v) override { v("hidden", hidden), v("out", out); }
};

int main() {
  const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), y = tensor({{0}, {1}, {1}, {0}});
  Xor model;
  optim::AdamW optimizer(model.parameters(), {.lr = 0.05});
  for (int step = 0; step < 200; ++step) {
    optimizer.zero_grad();
    nn::bce_with_logits(model(x), y).backward();
    optimizer.step();
  }
  std::cout << (sigmoid(model(x)) > 0.5) << "\n";
}
