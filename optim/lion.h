// Lion steps by the sign of a mean gradient, so every number moves by lr, and keeps one moment
// where Adam keeps two. Use a learning rate 3 to 10 times smaller than AdamW's and a weight decay
// larger by the same factor (section 5). Chen et al., "Symbolic discovery of optimization
// algorithms", NeurIPS 2023, algorithm 2.
//
//   optim::Lion optimizer(model.parameters(), {.lr = 1e-4, .weight_decay = 0.1});
#pragma once

#include "optim/optimizer.h"

namespace gradus::optim {

struct LionOptions {
  double lr = 1e-4;
  double beta1 = 0.9;       // weight of the mean gradient in a step
  double beta2 = 0.99;      // decay of the mean gradient
  double weight_decay = 0;  // each step first scales parameters by 1 - lr * weight_decay
  void check() const;
};

class Lion : public OptimizerWith<LionOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const LionOptions&) const override { return {"exp_avg"}; }
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const LionOptions& o) const override;
  bool elementwise() const override { return true; }
};

}  // namespace gradus::optim
