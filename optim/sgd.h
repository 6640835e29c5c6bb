// Stochastic gradient descent, with momentum (Polyak 1964) or Nesterov's (Sutskever et al., "On the
// importance of initialization and momentum in deep learning", ICML 2013).
//
//   optim::SGD optimizer(model.parameters(), {.lr = 0.1, .momentum = 0.9});
#pragma once

#include "optim/optimizer.h"

namespace gradus::optim {

struct SGDOptions {
  double lr = 0.01;
  double momentum = 0;
  bool nesterov = false;    // look ahead along the momentum, which must be above 0
  double weight_decay = 0;  // the gradient of weight_decay / 2 * ||p||^2 is added
  void check() const;
};

class SGD : public OptimizerWith<SGDOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const SGDOptions& o) const override;
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const SGDOptions& o) const override;
  bool elementwise() const override { return true; }
};

}  // namespace gradus::optim
