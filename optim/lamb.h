// LAMB scales Adam's step to lr times the norm of the parameter. Layers whose weights and gradients
// differ in scale then learn at one pace, even with batches of many thousands. You et al., "Large
// batch optimization for deep learning: training BERT in 76 minutes", ICLR 2020, algorithm 2.
//
//   optim::Lamb optimizer(model.parameters(), {.lr = 2e-3, .weight_decay = 0.01});
//
// The norm is that of the whole parameter, or of the rows that a row-sparse gradient touches.
#pragma once

#include "optim/optimizer.h"

namespace gradus::optim {

struct LambOptions {
  double lr = 1e-3;
  double beta1 = 0.9;    // decay of the mean gradient
  double beta2 = 0.999;  // decay of the mean squared gradient
  double epsilon = 1e-6;
  double weight_decay = 0.01;  // of the parameter, added to Adam's step
  void check() const;
};

class Lamb : public OptimizerWith<LambOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const LambOptions&) const override {
    return {"exp_avg", "exp_avg_sq"};
  }
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const LambOptions& o) const override;
};

}  // namespace gradus::optim
