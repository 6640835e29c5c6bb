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
  // The part of each label's probability that is spread evenly over all classes, in [0, 1), so that
  // logits need not grow without end. Szegedy et al., "Rethinking the Inception architecture", 2016.
  double label_smoothing = 0;
  // Rows with this for a label are left out: padding.
  std::int64_t ignore_index = -100;
};

// The mean of -log softmax(logits)[label]; finite for logits of any size. Labels may be probabilities
// instead, [n, classes] of the logits' dtype: the mean of -sum(p weight log softmax(logits)), as in
// PyTorch. Throws IndexError for a label outside [0, classes), Error where every row is left out.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options = {});

// The mean of -log_probabilities[label] (of log_softmax, which cross_entropy has inside); weight as
// there.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const Tensor& weight = {});

// How far a distribution is from the target's, sum(target (log target - log_prediction)), of each
// row; both [n, ...]; where the target is 0 nothing is added. PyTorch's reduction "batchmean".
Tensor kl_div(const Tensor& log_prediction, const Tensor& target);

// The mean over rows of sum(max(0, margin - x[label] + x[j])) / classes over the other classes j: x [n,
// classes]. Weston and Watkins, "Support vector machines for multi-class pattern recognition", ESANN
// 1999 (Crammer and Singer, JMLR 2001, take the largest instead of the sum).
Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, double margin = 1);
// The mean of max(0, 1 - target x), targets 1 and -1: of two classes, what a support vector machine
// makes small.
Tensor hinge_loss(const Tensor& x, const Tensor& target);

// The mean of (prediction - target)^2.
Tensor mse_loss(const Tensor& prediction, const Tensor& target);
// The mean of |d|, d = prediction - target.
Tensor l1_loss(const Tensor& prediction, const Tensor& target);
// The mean of d^2 / 2 beta where |d| < beta, of |d| - beta / 2 elsewhere: outliers pull with bounded
// force. Huber, "Robust estimation of a location parameter", 1964. Throws Error unless beta > 0.
Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta = 1);

// The mean of -log sigmoid(logits) where the target is 1 and -log(1 - sigmoid(logits)) where it is
// 0; targets between are weighed accordingly.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target);

}  // namespace gradus::nn
