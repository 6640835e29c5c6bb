// A linear (fully connected) layer over the last axis: y = x weight^T + bias.
//
//   nn::Linear layer(784, 10);                    // or (784, 10, {.bias = false})
//   Tensor y = layer(x);                          // x [..., 784] -> [..., 10]
#pragma once

#include "nn/module.h"

namespace gradus::nn {

struct LinearOptions {
  bool bias = true;
};

class Linear : public Module {
 public:
  // Weight and bias start uniform in +-1 / sqrt(in), as in PyTorch. Throws ShapeError unless both
  // sizes are at least 1.
  Linear(std::int64_t in, std::int64_t out, LinearOptions options = {});

  // x [..., in] -> [..., out]. Throws ShapeError unless x's last axis has `in` elements. An
  // activation (relu, gelu, tanh, sigmoid; copy for none) costs less here than afterwards.
  Tensor operator()(const Tensor& x, UnaryOp activation = UnaryOp::copy) const;
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor weight;  // [out, in]
  Tensor bias;    // [out], or undefined
};

}  // namespace gradus::nn
