// Layer normalisation: each row of features is shifted and scaled to mean 0 and variance 1, then by
// a learned weight and bias. Ba, Kiros and Hinton, "Layer normalization", 2016.
//
//   nn::LayerNorm norm(128);
//   Tensor y = norm(x);          // x [..., 128], y the same shape
#pragma once

#include "nn/module.h"

namespace gradus::nn {

struct LayerNormOptions {
  double epsilon = 1e-5;  // added to the variance
  bool affine = true;     // whether weight and bias are learned
};

class LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t dim, LayerNormOptions options = {});

  // Throws ShapeError unless x's last axis has `dim` elements.
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor weight;  // [dim], ones at first; undefined without affine
  Tensor bias;    // [dim], zeros at first

 private:
  std::int64_t dim_;
  double epsilon_;
};

}  // namespace gradus::nn
