// An optimizer of one's own. Lion steps by the sign of a mean gradient: every number moves by lr,
// and there is one moment to remember where Adam has two. Chen et al., "Symbolic discovery of
// optimization algorithms", NeurIPS 2023, algorithm 2.

#include <gradus/gradus.h>

#include <cmath>
#include <iostream>
#include <limits>

using namespace gradus;

struct LionOptions {
  double lr = 1e-4;
  double beta1 = 0.9;   // how much of the mean is in a step
  double beta2 = 0.99;  // decay of the mean gradient
  double weight_decay = 0;
  void check() const {
    optim::check_option("Lion", "lr", lr, 0, std::numeric_limits<double>::infinity());
    optim::check_option("Lion", "beta1", beta1, 0, 1);
    optim::check_option("Lion", "beta2", beta2, 0, 1);
  }
};

// One function. Groups, schedules, row-sparse gradients, saving: all come from OptimizerWith.
class Lion : public optim::OptimizerWith<LionOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const LionOptions&) const override { return {"exp_avg"}; }

  // p <- p - lr (sign(beta1 m + (1 - beta1) g) + weight_decay p),  m <- beta2 m + (1 - beta2) g
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t,
                const LionOptions& o) const override {
    Tensor& m = moments[0];
    const Tensor step = sign(m * o.beta1 + g * (1 - o.beta1));
    m = m * o.beta2 + g * (1 - o.beta2);
    return p - (step + p * o.weight_decay) * o.lr;
  }
};

int main() {
  // Two steps by hand, p = 1, lr = 0.1: g = 2 gives sign(0.2) = 1 and m = 0.02; then g = -1 gives
  // sign(0.9 * 0.02 - 0.1) = -1. So p goes to 0.9 and back to 1.
  Tensor p = tensor(1, {DType::f64}).set_requires_grad();
  Lion by_hand({p}, {.lr = 0.1});
  p.set_gradient(tensor(2, {DType::f64}));
  by_hand.step();
  const double down = p.item();
  p.set_gradient(tensor(-1, {DType::f64}));
  by_hand.step();
  std::cout << "1 -> " << down << " -> " << p.item() << "\n";

  // An embedding and a layer, with rates of their own and a rate that falls.
  manual_seed(1);
  const nn::Embedding embed(50, 8);
  const nn::Linear head(8, 5);
  const Tensor words = cast(arange(50), DType::i32);
  const Tensor classes = cast(arange(50) - 5 * cast(cast(arange(50) / 5, DType::i32), DType::f32),
                              DType::i32);  // word i is of class i mod 5
  Lion lion({{embed.parameters(), {.lr = 0.02}}, {head.parameters(), {.lr = 0.005}}});
  const optim::Schedule schedule = optim::cosine(150);
  for (int step = 0; step < 150; ++step) {
    lion.set_lr_factor(schedule(step));
    lion.zero_grad();
    nn::cross_entropy(head(embed(words)), classes).backward();
    lion.step();
  }
  const double right = mean(cast(argmax(head(embed(words))) == classes, DType::f32)).item();
  std::cout << "accuracy " << right << "\n";
  const bool as_derived = std::abs(down - 0.9) < 1e-12 && std::abs(p.item() - 1) < 1e-12;
  return as_derived && right == 1 ? 0 : 1;
}
