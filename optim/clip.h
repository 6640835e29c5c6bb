// Gradient clipping, so that one bad batch cannot throw the parameters far off. Call it between
// backward() and step().
//
//   const double norm = optim::clip_grad_norm(model.parameters(), 1);
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace gradus::optim {

// Scales all gradients by one factor so that their joint Euclidean norm is at most max_norm, and
// returns the norm before. With max_norm = infinity it only computes the norm. If the norm is not
// finite, the gradients stay as they are, so check the result. Pascanu, Mikolov and Bengio, "On the
// difficulty of training recurrent neural networks", 2013.
double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm);

// Clamps every element of the gradients to [-limit, limit].
void clip_grad_value(const std::vector<Tensor>& parameters, double limit);

}  // namespace gradus::optim
