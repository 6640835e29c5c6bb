// Adam divides each number's mean gradient by the square root of its mean squared gradient, so
// steps are about lr long whatever the gradient's scale. Kingma and Ba, "Adam: a method for
// stochastic optimization", ICLR 2015.
//
// AdamW keeps weight decay out of that ratio: Loshchilov and Hutter, "Decoupled weight decay
// regularization", ICLR 2019. Start with this one.
//
//   optim::AdamW optimizer(model.parameters(), {.lr = 3e-4, .weight_decay = 0.01});
#pragma once

#include "optim/optimizer.h"

namespace gradus::optim {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9;    // decay of the mean gradient
  double beta2 = 0.999;  // decay of the mean squared gradient
  double epsilon = 1e-8;
  double weight_decay = 0;  // the gradient of weight_decay / 2 * ||p||^2 is added
  void check() const;
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  // each step first scales parameters by 1 - lr * weight_decay
  void check() const;
};

class Adam : public OptimizerWith<AdamOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const AdamOptions&) const override {
    return {"exp_avg", "exp_avg_sq"};
  }
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const AdamOptions& o) const override;
  bool update_in_place(const Tensor& p, const Gradient& g, const Moments& moments,
                       std::int64_t step, const Tensor& row_scale,
                       const AdamOptions& o) const override;
};

class AdamW : public OptimizerWith<AdamWOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 protected:
  std::vector<std::string> moments(const AdamWOptions&) const override {
    return {"exp_avg", "exp_avg_sq"};
  }
  Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                const AdamWOptions& o) const override;
  bool update_in_place(const Tensor& p, const Gradient& g, const Moments& moments,
                       std::int64_t step, const Tensor& row_scale,
                       const AdamWOptions& o) const override;
};

}  // namespace gradus::optim
