// Losses: one number to make small, the mean over a batch. None of them broadcasts: shapes that do
// not match throw ShapeError with both, for mse_loss([n, 1], [n]) would quietly compare everything
// with everything.
//
//   Tensor loss = nn::cross_entropy(logits, labels);     // logits [n, classes], labels i32 [n]
//   loss.backward();
#pragma once

#include "tensor/tensor.h"

namespace gradus::nn {

struct CrossEntropyOptions {
  // [classes]: how much texts of each class count; the mean is then weighted. Undefined: equally.
  Tensor weight{};
};

// The mean of -log softmax(logits)[label]; finite for logits of any size.
// Throws IndexError for a label outside [0, classes).
Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options = {});

// The mean of (prediction - target)^2.
Tensor mse_loss(const Tensor& prediction, const Tensor& target);

// The mean of -log sigmoid(logits) where the target is 1 and -log(1 - sigmoid(logits)) where it is
// 0; targets between are weighed accordingly.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target);

}  // namespace gradus::nn
