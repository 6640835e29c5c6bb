// Convolution and pooling over images, [batch, channels, height, width] as in PyTorch.
//
//   nn::Conv2d conv(3, 16, 3, {.padding = 1});        // or ({3, 5}, {.stride = {2, 1}})
//   Tensor y = nn::MaxPool2d(2)(relu(conv(x)));       // x [batch, 3, 32, 32] -> [batch, 16, 16, 16]
#pragma once

#include "autograd/ops.h"
#include "nn/module.h"

namespace gradus::nn {

struct Conv2dOptions {
  Size2d stride = 1;
  Size2d padding = 0;  // zeros at all four sides
  bool bias = true;
};

class Conv2d : public Module {
 public:
  // Weight and bias start uniform in +-1 / sqrt(in * rows * columns), as in PyTorch. Throws
  // ShapeError unless all sizes and strides are at least 1 and padding is not negative.
  Conv2d(std::int64_t in, std::int64_t out, const Size2d& size, const Conv2dOptions& options = {});

  Tensor operator()(const Tensor& x) const;  // [batch, in, height, width] -> [batch, out, ...]
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor weight;  // [out, in, rows, columns]
  Tensor bias;    // [out], or undefined

 private:
  Size2d stride_, padding_;
};

struct Pool2dOptions {
  Size2d stride = 0;  // 0: size, so that windows do not overlap
};

class Pool2d : public Module {
 public:
  std::string detail() const override;

 protected:
  Pool2d(const char* type, const Size2d& size, const Pool2dOptions& options);
  Size2d size_, stride_;
};

struct MaxPool2d : Pool2d {
  explicit MaxPool2d(const Size2d& size, const Pool2dOptions& options = {})
      : Pool2d("MaxPool2d", size, options) {}
  Tensor operator()(const Tensor& x) const;
};

struct AvgPool2d : Pool2d {
  explicit AvgPool2d(const Size2d& size, const Pool2dOptions& options = {})
      : Pool2d("AvgPool2d", size, options) {}
  Tensor operator()(const Tensor& x) const;
};

}  // namespace gradus::nn
