// Gradient checkpointing: memory for time. What a function computes on the way to its result is not
// kept for the backward pass but computed again there, so that a stack of n blocks holds the
// results of n blocks and the inner workings of one. Chen, Xu, Zhang and Guestrin, "Training deep
// nets with sublinear memory cost", 2016. It costs about one more forward pass.
//
//   for (const nn::TransformerEncoderLayer& block : blocks) {
//     x = checkpoint([block, texts](const Tensor& h) { return block(h, texts); }, x);
//   }
//
// Copying a block copies handles: the lambda owns a block with the same parameters.
#pragma once

#include <functional>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// f(inputs), the same values and gradients as without checkpoint(): of the inputs, and of every
// other tensor that f makes use of (parameters). Bit for bit, where none of these is used more than
// once; otherwise its gradients are added up in another order.
//
// f is kept until the graph is freed and runs in every backward pass: what it captures by reference
// must live as long, and it must do the same each time. Random numbers (dropout) are the same, and
// the random state is put back. Throws GradError in backward() if f no longer depends on what it
// depended on at first; errors of f pass through. All threads have one random state: let
// them take turns with checkpoints that draw from it.
Tensor checkpoint(std::function<Tensor(const Tensor& x)> f, const Tensor& x);
Tensor checkpoint(std::function<Tensor(const std::vector<Tensor>& inputs)> f,
                  const std::vector<Tensor>& inputs);

}  // namespace gradus
