// Layer normalisation shifts and scales each row of features to mean 0 and variance 1, then applies
// a learned weight and bias. Ba, Kiros and Hinton, "Layer normalization", 2016.
//
//   nn::LayerNorm norm(128);
//   Tensor y = norm(x);          // x [..., 128], y the same shape
//
// Batch normalisation does the same for each channel, over the whole batch. Ioffe and Szegedy,
// "Batch normalization", ICML 2015.
//
//   nn::BatchNorm2d norm(16);
//   Tensor y = norm(x);          // x [batch, 16, height, width], y the same shape
#pragma once

#include <initializer_list>
#include <vector>

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

struct BatchNormOptions {
  double epsilon = 1e-5;  // added to the variance
  double momentum = 0.1;  // weight of a batch in the running statistics, in [0, 1]
  bool affine = true;     // whether weight and bias are learned
};

// In training mode it uses the batch's mean and variance and updates the running ones,
// running += momentum (batch - running), with the unbiased variance. In evaluation mode it uses the
// running ones. Names are PyTorch's, without num_batches_tracked, which is not needed here.
class BatchNorm : public Module {
 public:
  // Throws ShapeError unless x is [batch, channels, ...] of the right rank; in training mode also
  // if a channel has only one number, which has no variance.
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor weight, bias;  // [channels], ones and zeros at first; undefined without affine
  Tensor running_mean, running_var;  // [channels], zeros and ones at first; saved, not learned

 protected:
  BatchNorm(const char* type, std::initializer_list<int> ranks, std::int64_t channels,
            const BatchNormOptions& options);

 private:
  std::vector<int> ranks_;
  BatchNormOptions options_;
};

// x [batch, channels] or [batch, channels, time]; packed rows [rows, channels] too.
struct BatchNorm1d : BatchNorm {
  explicit BatchNorm1d(std::int64_t channels, const BatchNormOptions& options = {})
      : BatchNorm("BatchNorm1d", {2, 3}, channels, options) {}
};

// x [batch, channels, height, width].
struct BatchNorm2d : BatchNorm {
  explicit BatchNorm2d(std::int64_t channels, const BatchNormOptions& options = {})
      : BatchNorm("BatchNorm2d", {4}, channels, options) {}
};

}  // namespace gradus::nn
