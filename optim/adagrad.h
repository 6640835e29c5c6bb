// Adagrad divides gradients by the square root of the sum of their squares so far, so rare features
// keep learning after frequent ones have settled. Duchi, Hazan and Singer, "Adaptive subgradient
// methods for online learning and stochastic optimization", JMLR 2011.
//
//   optim::Adagrad optimizer(model.parameters(), {.lr = 0.05});
#pragma once

#include "optim/optimizer.h"

namespace gradus::optim {

struct AdagradOptions {
  double lr = 0.01;
  double lr_decay = 0;      // step t uses lr / (1 + (t - 1) lr_decay)
  double weight_decay = 0;  // the gradient of weight_decay / 2 * ||p||^2 is added
  double epsilon = 1e-10;
  void check() const;
};

class Adagrad : public OptimizerWith<AdagradOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const AdagradOptions&) const override { return {"sum"}; }
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const AdagradOptions& o) const override;
  bool elementwise() const override { return true; }
};

}  // namespace gradus::optim
