// An optimizer of your own. AdaBelief divides by how far gradients stray from their mean, where Adam
// divides by how large they are: steps are long where gradients agree. Zhuang et al., "AdaBelief
// optimizer: adapting stepsizes by the belief in observed gradients", NeurIPS 2020, algorithm 2.

#include <gradus/gradus.h>

#include <cmath>
#include <iostream>

using namespace gradus;

struct AdaBeliefOptions {
  double lr = 1e-3;
  double beta1 = 0.9;    // decay of the mean gradient
  double beta2 = 0.999;  // decay of the mean squared distance from it
  double epsilon = 1e-16;
  void check() const {
    optim::check_option("AdaBelief", "lr", lr, 0, kInfinity);
    optim::check_option("AdaBelief", "beta1", beta1, 0, 1);
    optim::check_option("AdaBelief", "beta2", beta2, 0, 1);
    optim::check_option("AdaBelief", "epsilon", epsilon, 0, kInfinity);
  }
};

// One function. Groups, schedules, row-sparse gradients, saving: all come from OptimizerWith.
class AdaBelief : public optim::OptimizerWith<AdaBeliefOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const AdaBeliefOptions&) const override {
    return {"exp_avg", "exp_avg_var"};
  }

  // m <- beta1 m + (1 - beta1) g,  s <- beta2 s + (1 - beta2) (g - m)^2 + epsilon; both began at
  // zero, which the division by 1 - beta^t makes up for: p <- p - lr m' / (sqrt(s') + epsilon).
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const AdaBeliefOptions& o) const override {
    Tensor &m = moments[0], &s = moments[1];
    m = m * o.beta1 + g * (1 - o.beta1);
    s = s * o.beta2 + square(g - m) * (1 - o.beta2) + o.epsilon;
    const auto t = static_cast<double>(step);
    const Tensor mean = m / (1 - std::pow(o.beta1, t)), strayed = s / (1 - std::pow(o.beta2, t));
    return p - mean / (sqrt(strayed) + o.epsilon) * o.lr;
  }
  // So all of it is one pass over memory. (Without this line it is an operation after the other.)
  bool elementwise() const override { return true; }
};

int main() {
  // A step by hand, p = 1, lr = 0.1, g = 2: m' = 2, and g strays from m = 0.2 by 1.8, so s' = 1.8^2
  // and p goes down by 0.1 * 2 / 1.8 = 1/9.
  Tensor p = tensor(1, {DType::f64}).set_requires_grad();
  AdaBelief by_hand({p}, {.lr = 0.1});
  p.set_gradient(tensor(2, {DType::f64}));
  by_hand.step();
  std::cout << "1 -> " << p.item() << "\n";

  // An embedding and a layer, each with its own learning rate, and a schedule for both.
  manual_seed(1);
  const nn::Embedding embed(50, 8);
  const nn::Linear head(8, 5);
  const Tensor words = cast(arange(50), DType::i32);
  const Tensor classes = cast(arange(50) - 5 * cast(cast(arange(50) / 5, DType::i32), DType::f32),
                              DType::i32);  // word i is of class i mod 5
  AdaBelief optimizer({{embed.parameters(), {.lr = 0.02}}, {head.parameters(), {.lr = 0.005}}});
  const optim::Schedule schedule = optim::cosine(150);
  for (int step = 0; step < 150; ++step) {
    optimizer.set_lr_factor(schedule(step));
    optimizer.zero_grad();
    nn::cross_entropy(head(embed(words)), classes).backward();
    optimizer.step();
  }
  const double right = mean(cast(argmax(head(embed(words))) == classes, DType::f32)).item();
  std::cout << "accuracy " << right << "\n";
  return std::abs(p.item() - 8.0 / 9) < 1e-9 && right == 1 ? 0 : 1;
}
