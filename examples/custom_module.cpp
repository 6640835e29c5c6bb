// A module of your own: a low-rank adapter. A trained layer is frozen, and only a small correction
// to it is learned: y = base(x) + (x down) up, with down [in, rank] and up [rank, out]. Hu et
// al., "LoRA: low-rank adaptation of large language models", 2021.

#include <gradus/gradus.h>

#include <cmath>
#include <iostream>

using namespace gradus;

class Adapted : public nn::Module {
 public:
  Adapted(const nn::Linear& layer, std::int64_t rank) : base(layer) {
    base.set_requires_grad(false);
    const std::int64_t out = layer.weight.size(0), in = layer.weight.size(1);
    down = nn::parameter(normal({in, rank}, 0, 1 / std::sqrt(static_cast<double>(in))));
    up = nn::parameter(zeros({rank, out}));  // no correction at first
  }

  // x [..., in] -> [..., out]. located() puts the module's path before the message of an error, and
  // shows the result to an nn::Watch.
  Tensor operator()(const Tensor& x) const {
    return located([&] {
      const Tensor y = base(x);
      return y + matmul(matmul(x, down), up);
    });
  }

  // Parameters, saving, printing, train and eval mode: all follow from these names.
  void visit(nn::Visitor& v) override {
    v("base", base);
    v("down", down);
    v("up", up);
  }
  std::string detail() const override { return "rank " + std::to_string(down.size(1)); }

  nn::Linear base;
  Tensor down, up;
};

int main() {
  manual_seed(1);
  const nn::Linear trained(32, 16);
  nn::Sequential model{Adapted(trained, 2), nn::Tanh()};
  nn::print(model);

  // What is to be learned: the layer plus a product of rank one.
  const Tensor x = normal({256, 32});
  const Tensor change = matmul(normal({32, 1}, 0, 0.3), normal({1, 16}, 0, 0.3));
  const Tensor y = tanh(trained(x) + matmul(x, change)).detach();
  const std::vector<double> before = trained.weight.to_vector<double>();

  optim::AdamW optimizer(model.parameters(), {.lr = 0.02});
  double loss = 0;
  for (int step = 0; step <= 200; ++step) {
    const Tensor error = nn::mse_loss(model(x), y);
    if (step == 0) nn::check_parameters(error, model);  // that visit() has forgotten none
    optimizer.zero_grad();
    error.backward();
    optimizer.step();
    loss = error.item();
    if (step % 100 == 0) std::cout << "step " << step << "  loss " << loss << "\n";
  }

  try {
    model(ones({1, 31}));
  } catch (const ShapeError& e) {
    std::cout << e.what() << "\n";  // 0.base (Linear): input has 31 features, expected 32; ...
  }
  return loss < 1e-3 && trained.weight.to_vector<double>() == before ? 0 : 1;
}
