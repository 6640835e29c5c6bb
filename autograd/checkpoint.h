// Gradient checkpointing saves memory at the cost of time, about one more forward pass. A
// function's intermediate results are not kept for the backward pass but computed again there, so a
// stack of n blocks holds the results of all blocks and the intermediate results of one. Chen, Xu,
// Zhang and Guestrin, "Training deep nets with sublinear memory cost", 2016.
//
//   for (const nn::TransformerEncoderLayer& block : blocks) {
//     x = checkpoint([block, texts](const Tensor& h) { return block(h, texts); }, x);
//   }
//
// Copying a block copies handles: the lambda's block has the same parameters.
#pragma once

#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// f(inputs), with the same value and the same gradients as without checkpoint(), both for the
// inputs and for other tensors that f uses (parameters). The gradients of a tensor that is used
// more than once may differ in the last bits: they are added in another order.
//
// f is kept until the graph is freed and runs again in every backward pass. It must do the same
// each time, and anything that it captures by reference must live as long. Random numbers (dropout)
// repeat, and the random state is restored afterwards. All threads share one random state: let
// checkpoints that use it take turns. Exceptions from f pass through; backward() throws GradError
// if f no longer depends on a tensor that it depended on at first.
Tensor checkpoint(std::function<Tensor(const Tensor& x)> f, const Tensor& x);
Tensor checkpoint(std::function<Tensor(const std::vector<Tensor>& inputs)> f,
                  const std::vector<Tensor>& inputs);

}  // namespace gradus
