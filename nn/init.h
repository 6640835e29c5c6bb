// Initial values of parameters. Each function writes into an existing parameter. Random numbers
// come from tensor/random.h, so manual_seed() determines them.
//
//   nn::Linear layer(256, 128);
//   nn::init::kaiming_uniform(layer.weight);
//   nn::init::zeros(layer.bias);
//
// If the values will be loaded from a file anyway, skip initialisation:
//
//   const nn::init::Skip skip;
//   Classifier model(config);               // parameters are uninitialised
//   nn::take_state(model, file.tensors, "model.safetensors");
//
// A weight [out, in, ...] has fan_in = in * (the sizes after in) and fan_out = out * (the same
// sizes). xavier_* and kaiming_* throw ShapeError for a weight with fewer than two axes.
#pragma once

#include "tensor/tensor.h"

namespace gradus::nn::init {

// Until the end of its scope, the functions below do nothing in this thread, and draw nothing.
class Skip {
 public:
  Skip();
  ~Skip();
  Skip(const Skip&) = delete;
  Skip& operator=(const Skip&) = delete;

 private:
  bool before_;
};

void constant(Tensor parameter, double value);
void zeros(Tensor parameter);
void ones(Tensor parameter);
void uniform(Tensor parameter, double low, double high);
void normal(Tensor parameter, double mean = 0, double deviation = 1);
// A new parameter with such values, or without values while there is a Skip. For large ones: writing to a
// parameter takes twice its memory.
Tensor normal_parameter(const Shape& shape, double mean = 0, double deviation = 1);

// Variance 2 gain^2 / (fan_in + fan_out), which keeps the variance of values and gradients through
// layers with a symmetric activation, or none. Glorot and Bengio, "Understanding the difficulty of
// training deep feedforward neural networks", AISTATS 2010.
void xavier_uniform(Tensor weight, double gain = 1);
void xavier_normal(Tensor weight, double gain = 1);

// Variance 2 / ((1 + slope^2) fan_in), for layers before a ReLU, or a leaky ReLU with this slope
// below zero. He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.
void kaiming_uniform(Tensor weight, double slope = 0);
void kaiming_normal(Tensor weight, double slope = 0);

}  // namespace gradus::nn::init
