#include "nn/losses.h"

#include <algorithm>
#include <utility>

#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/indices.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "nn/check.h"

namespace gradus::nn {

namespace {
void check_same_shape(const char* loss, const Tensor& x, const Tensor& target) {
  compute::check_same(loss, x, target);
  if (x.shape() != target.shape()) {
    throw ShapeError(fmt::format(
        "[{}] shapes differ: prediction {}, target {}; losses do not broadcast: use reshape()",
        loss, to_string(x.shape()), to_string(target.shape())));
  }
  if (x.numel() == 0)
    throw ShapeError(fmt::format("[{}] the mean over an empty batch is not defined: prediction {}",
                                 loss, to_string(x.shape())));
}

// loss(d), d = x - target, recorded as one operation; slope(d) is its derivative.
template <class Loss, class Slope>
Tensor of_difference(const char* op, const Tensor& x, const Tensor& target, Loss loss,
                     Slope slope) {
  return record(op, fused_value([&] { return loss(x - target); }),
                edge(x, in_one_pass([=](const Tensor& g) { return g * slope(x - target); })),
                edge(target, in_one_pass([=](const Tensor& g) { return -g * slope(x - target); })));
}

// x [n, classes] and labels [n].
void check_labelled(const char* loss, const Tensor& x, const Tensor& labels) {
  if (x.rank() != 2 || labels.rank() != 1 || labels.size(0) != x.size(0) || x.numel() == 0) {
    throw ShapeError(
        fmt::format("[{}] logits {} must be [n, classes] and labels {} [n], n at least 1{}", loss,
                    to_string(x.shape()), to_string(labels.shape()),
                    x.rank() > 2 ? "; flatten() the axes before the classes" : ""));
  }
}

// Of each row of x the number of its label.
Tensor own(const char* loss, const Tensor& x, const Tensor& labels) {
  check_indices(loss, labels, x.size(1));
  return pick(x, labels);
}

void check_weight(const char* loss, const Tensor& weight, const Tensor& x) {
  if (weight.defined() && (x.rank() != 2 || weight.shape() != Shape{x.size(1)})) {
    throw ShapeError(fmt::format("[{}] weight {} must be [classes] for logits {}", loss,
                                 to_string(weight.shape()), to_string(x.shape())));
  }
}

// The rows whose label is not `ignored`; undefined where that is all.
Tensor counted_rows(const Tensor& labels, std::int64_t ignored) {
  const std::vector<std::int32_t> numbers = labels.to_vector<std::int32_t>();
  if (std::ranges::find(numbers, ignored) == numbers.end()) return {};
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != ignored) rows.push_back(static_cast<std::int64_t>(i));
  }
  if (rows.empty()) {
    throw Error(
        fmt::format("[cross_entropy] each of {} labels is {}, which ignore_index leaves out",
                    numbers.size(), ignored));
  }
  return from_vector(rows, {std::ssize(rows)}, &labels.backend());
}

// Of each label the weight of its class; undefined where classes have none.
Tensor weights_of(const char* loss, const Tensor& weight, const Tensor& labels, const Tensor& x) {
  if (!weight.defined()) return {};
  check_weight(loss, weight, x);
  return gather(weight, labels);
}
}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw Error(fmt::format("[cross_entropy] label smoothing {} is not in [0, 1)", smoothing));
  }
  if (labels.dtype() == logits.dtype()) {
    if (labels.rank() == 1 && logits.rank() == 2) {
      throw DTypeError(
          fmt::format("[cross_entropy] labels {} must be class numbers, i32: "
                      "cast(labels, DType::i32); probabilities are [n, classes]",
                      describe(labels)));
    }
    check_same_shape("cross_entropy", logits, labels);
    if (logits.rank() != 2) {
      throw ShapeError(
          fmt::format("[cross_entropy] logits and probabilities {} must be [n, classes]",
                      to_string(logits.shape())));
    }
    check_weight("cross_entropy", options.weight, logits);
    const auto [n, classes] = std::pair(logits.size(0), static_cast<double>(logits.size(1)));
    Tensor p = smoothing > 0 ? labels * (1 - smoothing) + smoothing / classes : labels;
    if (options.weight.defined()) p = p * options.weight;
    return -sum(p * log_softmax(logits)) / static_cast<double>(n);
  }
  check_labelled("cross_entropy", logits, labels);
  if (const Tensor rows = counted_rows(labels, options.ignore_index); rows.defined()) {
    return cross_entropy(gather(logits, rows), gather(labels, rows), options);
  }
  const Tensor weights = weights_of("cross_entropy", options.weight, labels, logits);
  Tensor surprise = softmax_cross_entropy(logits, labels);  // [n]
  if (weights.defined()) surprise = weights * surprise;
  if (smoothing > 0) {
    const Tensor all = -log_softmax(logits);  // [n, classes]
    const Tensor even = mean(weights.defined() ? all * options.weight : all, 1);
    surprise = (1 - smoothing) * surprise + smoothing * even;
  }
  return weights.defined() ? sum(surprise) / sum(weights) : mean(surprise);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const Tensor& weight) {
  check_labelled("nll_loss", log_probabilities, labels);
  const Tensor weights = weights_of("nll_loss", weight, labels, log_probabilities);
  const Tensor surprise = -own("nll_loss", log_probabilities, labels);
  return weights.defined() ? sum(weights * surprise) / sum(weights) : mean(surprise);
}

Tensor kl_div(const Tensor& log_prediction, const Tensor& target) {
  check_same_shape("kl_div", log_prediction, target);
  const Tensor none = target == 0;
  const Tensor each = target * (log(where(none, 1, target)) - log_prediction);
  const auto n = static_cast<double>(target.rank() == 0 ? 1 : target.size(0));
  return sum(where(none, 0, each)) / n;
}

Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, double margin) {
  check_labelled("multi_margin_loss", x, labels);
  if (!(margin > 0)) {
    throw Error(fmt::format("[multi_margin_loss] the margin {} must be above 0", margin));
  }
  const Tensor right = unsqueeze(own("multi_margin_loss", x, labels), 1);  // [n, 1]
  const Tensor others = one_hot(labels, x.size(1)) == 0;
  return mean(where(others, relu(x - right + margin), 0));
}

Tensor hinge_loss(const Tensor& x, const Tensor& target) {
  check_same_shape("hinge_loss", x, target);
  return mean(relu(1 - target * x));
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target) {
  check_same_shape("mse_loss", prediction, target);
  return mean(
      of_difference("mse", prediction, target, square, [](const Tensor& d) { return d * 2; }));
}

Tensor l1_loss(const Tensor& prediction, const Tensor& target) {
  check_same_shape("l1_loss", prediction, target);
  return mean(of_difference("l1", prediction, target, abs, sign));
}

Tensor smooth_l1_loss(const Tensor& prediction, const Tensor& target, double beta) {
  check_same_shape("smooth_l1_loss", prediction, target);
  if (!(beta > 0)) {
    throw Error(fmt::format("[smooth_l1_loss] beta {} must be above 0; use l1_loss()", beta));
  }
  const auto loss = [beta](const Tensor& d) {
    const Tensor far = abs(d), near = minimum(far, beta);
    return square(near) * (0.5 / beta) + (far - near);
  };
  return mean(of_difference("smooth_l1", prediction, target, loss,
                            [beta](const Tensor& d) { return clamp(d / beta, -1, 1); }));
}

// -t log s(x) - (1 - t) log(1 - s(x)), where nothing overflows or, in a loss near 0, cancels.
Tensor bce_with_logits(const Tensor& logits, const Tensor& target) {
  check_same_shape("bce_with_logits", logits, target);
  const auto each = [&] { return target * softplus(-logits) + (1 - target) * softplus(logits); };
  return mean(record("bce_with_logits", fused_value(each),
                     edge(logits, in_one_pass([x = logits, t = target](const Tensor& g) {
                            return g * ((1 - t) * sigmoid(x) - t * sigmoid(-x));
                          })),
                     edge(target, [x = logits](const Tensor& g) { return -g * x; })));
}

}  // namespace gradus::nn
