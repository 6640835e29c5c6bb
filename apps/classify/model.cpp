#include "apps/classify/model.h"

#include "apps/classify/ngram_model.h"
#include "autograd/ops.h"

namespace gradus::classify {

WordClassifier::WordClassifier(const Config& config)
    : Classifier(config),
      encoder_(make_encoder(config)),
      attention_(config.attention_size, {.score = config.attention}),
      wide_(config.attention_size, config.hidden_size),
      classes_(config.hidden_size, config.classes) {}

Output WordClassifier::operator()(const data::Batch& batch) const {
  const Elements elements = (*encoder_)(batch.tokens, Segments(batch.offsets));
  auto [state, weights] = attention_.pool(elements.values, elements.segments);
  for (std::int64_t hop = 1; hop < config().hops; ++hop) {
    auto [found, looked] = attention_.pool(elements.values, elements.segments, state);
    state = state + found;
    weights = looked;
  }
  const Tensor hidden = dropout(wide_(state, UnaryOp::relu), config().dropout, training());
  const Tensor logits = classes_(hidden);
  return {logits, {logits}, weights, elements};
}

void WordClassifier::visit(nn::Visitor& v) {
  v("encoder", *encoder_);
  v("attention", attention_);
  v("wide", wide_);
  v("classes", classes_);
}

std::unique_ptr<Classifier> make_classifier(const Config& config) {
  if (reads_ngrams(config.encoder)) return std::make_unique<NgramClassifier>(config);
  return std::make_unique<WordClassifier>(config);
}

}  // namespace gradus::classify
