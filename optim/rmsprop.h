// RMSprop divides gradients by the square root of their mean square. Tieleman and Hinton, "Neural
// networks for machine learning", lecture 6.5, 2012; centered as in Graves, "Generating sequences
// with recurrent neural networks", 2013.
//
//   optim::RMSprop optimizer(model.parameters(), {.lr = 1e-3});
#pragma once

#include "optim/optimizer.h"

namespace gradus::optim {

struct RMSpropOptions {
  double lr = 0.01;
  double alpha = 0.99;  // decay of the mean square
  double epsilon = 1e-8;
  double momentum = 0;
  bool centered = false;    // divide by the standard deviation instead
  double weight_decay = 0;  // the gradient of weight_decay / 2 * ||p||^2 is added
  void check() const;
};

class RMSprop : public OptimizerWith<RMSpropOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const RMSpropOptions& o) const override;
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const RMSpropOptions& o) const override;
  bool elementwise() const override { return true; }
};

}  // namespace gradus::optim
