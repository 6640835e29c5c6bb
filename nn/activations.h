// Modules without parameters. Sequential also takes the functions of autograd/ops.h (`relu`,
// `gelu`), so you need these only where a module is required.
#pragma once

#include "autograd/ops.h"
#include "nn/module.h"

namespace gradus::nn {

struct ReLU : Module {
  Tensor operator()(const Tensor& x) const {
    return located([&] { return relu(x); });
  }
};

struct GELU : Module {
  Tensor operator()(const Tensor& x) const {
    return located([&] { return gelu(x); });
  }
};

struct Tanh : Module {
  Tensor operator()(const Tensor& x) const {
    return located([&] { return tanh(x); });
  }
};

struct Sigmoid : Module {
  Tensor operator()(const Tensor& x) const {
    return located([&] { return sigmoid(x); });
  }
};

struct SiLU : Module {
  Tensor operator()(const Tensor& x) const {
    return located([&] { return silu(x); });
  }
};

struct Softplus : Module {
  Tensor operator()(const Tensor& x) const {
    return located([&] { return softplus(x); });
  }
};

// Returns x: a placeholder for a step of a Sequential.
struct Identity : Module {
  Tensor operator()(const Tensor& x) const { return watched(x); }
};

// Joins axes first .. last into one: [batch, channels, height, width] -> [batch, features].
class Flatten : public Module {
 public:
  explicit Flatten(int first = 1, int last = -1) : first_(first), last_(last) {}
  Tensor operator()(const Tensor& x) const {
    return located([&] { return flatten(x, first_, last_); });
  }

 private:
  int first_, last_;
};

class Softmax : public Module {
 public:
  explicit Softmax(int axis = -1) : axis_(axis) {}
  Tensor operator()(const Tensor& x) const {
    return located([&] { return softmax(x, axis_); });
  }

 private:
  int axis_;
};

// In training mode, zeroes each element with probability p and divides the others by 1 - p; in
// evaluation mode, returns x. Srivastava et al., "Dropout", JMLR 2014.
class Dropout : public Module {
 public:
  // Throws Error unless 0 <= p < 1.
  explicit Dropout(double p = 0.5);
  Tensor operator()(const Tensor& x) const {
    return located([&] { return dropout(x, p_, training()); });
  }
  std::string detail() const override;

 private:
  double p_;
};

}  // namespace gradus::nn
