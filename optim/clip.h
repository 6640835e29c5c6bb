// Clipping: keeping one bad batch from throwing the parameters far away. Call between backward()
// and step().
//
//   const double norm = optim::clip_grad_norm(model.parameters(), 1);
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace gradus::optim {

// Scales all gradients together so that their Euclidean norm is at most max_norm (infinity: to know the
// norm and change nothing); returns the norm that they had. One that is not finite leaves the gradients as they are: look at what is returned.
// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013.
double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm);

// Holds every number of the gradients within [-limit, limit].
void clip_grad_value(const std::vector<Tensor>& parameters, double limit);

}  // namespace gradus::optim
