#include "nn/losses.h"

#include "autograd/ops.h"
#include "nn/check.h"

namespace gradus::nn {

namespace {
void check_same_shape(const char* loss, const Tensor& x, const Tensor& target) {
  if (x.shape() != target.shape()) {
    throw ShapeError(fmt::format(
        "[{}] shapes differ: prediction {}, target {}; losses do not broadcast: use reshape()",
        loss, to_string(x.shape()), to_string(target.shape())));
  }
  if (x.numel() == 0) throw ShapeError(fmt::format("[{}] the mean of an empty batch", loss));
}
}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  if (logits.rank() != 2 || labels.rank() != 1 || labels.size(0) != logits.size(0) ||
      logits.numel() == 0) {
    throw ShapeError(fmt::format(
        "[cross_entropy] logits {} must be [n, classes] and labels {} [n], n at least 1",
        to_string(logits.shape()), to_string(labels.shape())));
  }
  const Tensor surprise = softmax_cross_entropy(logits, labels);  // [n]
  if (!options.weight.defined()) return mean(surprise);
  if (options.weight.shape() != Shape{logits.size(1)}) {
    throw ShapeError(fmt::format("[cross_entropy] weight {} must be [classes] for logits {}",
                                 to_string(options.weight.shape()), to_string(logits.shape())));
  }
  const Tensor weights = gather(options.weight, labels);
  return sum(weights * surprise) / sum(weights);
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target) {
  check_same_shape("mse_loss", prediction, target);
  return mean(square(prediction - target));
}

// -t log s(x) - (1 - t) log(1 - s(x)) = max(x, 0) - t x + log(1 + e^-|x|), where nothing overflows.
// maximum() rather than relu(): at 0 its gradient is 1/2, as s(0) asks.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target) {
  check_same_shape("bce_with_logits", logits, target);
  return mean(maximum(logits, 0) - target * logits + log(exp(-abs(logits)) + 1));
}

}  // namespace gradus::nn
