// First values of parameters. Each function writes into a parameter that exists; all take their
// numbers from tensor/random.h, so that manual_seed() decides them.
//
//   nn::Linear layer(256, 128);
//   nn::init::kaiming_uniform(layer.weight);
//   nn::init::zeros(layer.bias);
//
// A model whose values are about to be loaded need not have any:
//
//   const nn::init::Skip skip;
//   Classifier model(config);               // parameters with undefined values
//   nn::take_state(model, file.tensors, "model.safetensors");
//
// A weight [out, in, ...] has fan_in = in * (the sizes after it) inputs to each output, and
// fan_out = out * (the sizes after in). Functions of fans throw ShapeError for less than two axes.
#pragma once

#include "tensor/tensor.h"

namespace gradus::nn::init {

// As long as one lives, the functions here do nothing on its thread, and take no random numbers.
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

// Keeps the variance of values and gradients through layers without or with a symmetric activation:
// variance 2 gain^2 / (fan_in + fan_out). Glorot and Bengio, "Understanding the difficulty of
// training deep feedforward neural networks", AISTATS 2010.
void xavier_uniform(Tensor weight, double gain = 1);
void xavier_normal(Tensor weight, double gain = 1);

// The same before a (leaky) ReLU with this slope below zero: variance 2 / ((1 + slope^2) fan_in).
// He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.
void kaiming_uniform(Tensor weight, double slope = 0);
void kaiming_normal(Tensor weight, double slope = 0);

}  // namespace gradus::nn::init
