// Losses: one number to minimise, the mean over a batch. Losses never broadcast, because
// mse_loss([n, 1], [n]) would silently compare everything with everything: shapes that do not
// match, and empty batches, throw ShapeError.
//
//   Tensor loss = nn::cross_entropy(logits, labels);     // logits [n, classes], labels i32 [n]
//   loss.backward();
#pragma once

#include "tensor/tensor.h"

namespace gradus::nn {

struct CrossEntropyOptions {
  // [classes]: the weight of each class in the mean. Undefined: all equal.
  Tensor weight{};
  // The share of each label's probability that is spread evenly over all classes, in [0, 1), so
  // that logits need not grow without bound. Szegedy et al., "Rethinking the Inception
  // architecture", 2016.
  double label_smoothing = 0;
  // Rows with this label (padding) are left out.
  std::int64_t ignore_index = -100;
};

// The mean of -log softmax(logits)[label]: logits [n, classes], labels i32 [n]. Does not overflow.
// Labels may also be probabilities p, [n, classes] of the logits' dtype: then the mean of
// -sum(p weight log softmax(logits)), as in PyTorch. Throws IndexError for a label outside [0,
// classes), Error if every row is left out.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options = {});

// The mean of -log_probabilities[label]: log_probabilities [n, classes] from log_softmax (which
// cross_entropy contains), labels i32 [n], weight as in cross_entropy.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const Tensor& weight = {});

// The Kullback-Leibler divergence sum(target (log target - log_prediction)) of each row, averaged
// over the n rows; both [n, ...]. Targets of 0 add nothing. PyTorch's "batchmean".
Tensor kl_div(const Tensor& log_prediction, const Tensor& target);

// The mean over rows of sum(max(0, margin - x[label] + x[j])) / classes, summed over the other
// classes j: x [n, classes], labels i32 [n]. Weston and Watkins, "Support vector machines for
// multi-class pattern recognition", ESANN 1999 (Crammer and Singer, JMLR 2001, use the maximum
// instead of the sum).
Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, double margin = 1);
// The mean of max(0, 1 - target x), with targets 1 and -1: the loss of a support vector machine for
// two classes.
Tensor hinge_loss(const Tensor& x, const Tensor& target);

// The mean of (prediction - target)^2.
Tensor mse_loss(const Tensor& prediction, const Tensor& target);
// The mean of |d|, d = prediction - target.
Tensor l1_loss(const Tensor& prediction, const Tensor& target);
// The mean of d^2 / (2 beta) where |d| < beta and |d| - beta / 2 elsewhere, so that the gradient of
// outliers is bounded. Huber, "Robust estimation of a location parameter", 1964. Throws Error
// unless beta > 0.
Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta = 1);

// Binary cross-entropy: the mean of -log sigmoid(logits) where the target is 1 and
// -log(1 - sigmoid(logits)) where it is 0; targets in between interpolate. Does not overflow.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target);

}  // namespace gradus::nn
