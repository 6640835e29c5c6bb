#include "apps/classify/probabilities.h"

#include <algorithm>

#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus::classify {

std::vector<float> logits(Classifier& model, const data::EncodedTexts& texts,
                          std::int64_t batch_tokens) {
  NoGrad off;
  model.eval();
  const auto classes = static_cast<std::size_t>(model.config().classes);
  std::vector<float> all(static_cast<std::size_t>(texts.size()) * classes);
  for (const auto& members : data::plan_batches(texts, batch_tokens)) {
    const std::vector<float> found =
        model(data::make_batch(texts, members)).logits.to_vector<float>();
    for (std::size_t i = 0; i < members.size(); ++i) {
      std::copy_n(found.begin() + static_cast<std::ptrdiff_t>(i * classes), classes,
                  all.begin() + members[i] * static_cast<std::ptrdiff_t>(classes));
    }
  }
  return all;
}

std::vector<float> probabilities(Classifier& model, const data::EncodedTexts& texts,
                                 std::int64_t batch_tokens) {
  return probabilities(model, logits(model, texts, batch_tokens));
}

std::vector<float> probabilities(const Classifier& model, const std::vector<float>& logits) {
  NoGrad off;
  const std::int64_t classes = model.config().classes;
  const Tensor rows = from_vector(logits, {std::ssize(logits) / classes, classes});
  std::vector<float> all = softmax(rows / model.temperature).to_vector<float>();
  check_finite(all);
  return all;
}

void fail_not_finite() {
  throw Error(
      "[model] gives probabilities that are not finite numbers; its file is damaged, or its "
      "training went wrong (a smaller --lr usually helps)");
}

}  // namespace gradus::classify
