#include "apps/classify/model.h"

#include "autograd/ops.h"

namespace gradus::classify {

Classifier::Classifier(const Config& config)
    : config_(config),
      encoder_(make_encoder(config)),
      attention_(config.attention_size, {.score = config.attention}),
      wide_(config.attention_size, config.hidden_size),
      classes_(config.hidden_size, config.classes) {}

Output Classifier::operator()(const std::vector<std::int32_t>& tokens,
                              const Segments& texts) const {
  const Elements elements = (*encoder_)(tokens, texts);
  auto [state, weights] = attention_.pool(elements.values, elements.segments);
  for (std::int64_t hop = 1; hop < config_.hops; ++hop) {
    auto [found, looked] = attention_.pool(elements.values, elements.segments, state);
    state = state + found;
    weights = looked;
  }
  const Tensor hidden = dropout(wide_(state, UnaryOp::relu), config_.dropout, training());
  return {classes_(hidden), squeeze(weights, 1), elements};
}

void Classifier::visit(nn::Visitor& v) {
  v("encoder", *encoder_);
  v("attention", attention_);
  v("wide", wide_);
  v("classes", classes_);
}

}  // namespace gradus::classify
