#include "apps/classify/encoders.h"

#include <algorithm>

#include "apps/classify/distinct.h"
#include "autograd/ops.h"
#include "nn/positions.h"

namespace gradus::classify {

namespace {

// Words start close together, so that what training says of a word is not lost in the noise of where a
// rare one happened to start.
constexpr double kWordDeviation = 0.1;
constexpr std::int64_t kConvSize = 3;

nn::Embedding words(const Config& config) {
  return {config.vocabulary, config.attention_size, {.deviation = kWordDeviation}};
}

Tensor to_tensor(const std::vector<std::int32_t>& tokens) {
  return from_vector(tokens, {static_cast<std::int64_t>(tokens.size())});
}

}  // namespace

LinearEncoder::LinearEncoder(const Config& config)
    : embed_(words(config)),
      wide_(config.attention_size, config.hidden_size),
      narrow_(config.hidden_size, config.attention_size),
      dropout_(config.dropout) {}

// A word's element depends on nothing but the word, so each word of a batch is read once.
Elements LinearEncoder::operator()(const std::vector<std::int32_t>& tokens,
                                   const Segments& texts) const {
  const Distinct once = distinct(tokens);
  const Tensor x = dropout(embed_(to_tensor(once.words)), dropout_, training());
  const Tensor read = narrow_(wide_(x, UnaryOp::relu));
  return {dropout(gather(read, to_tensor(once.places)), dropout_, training()), texts, 1};
}

void LinearEncoder::visit(nn::Visitor& v) {
  v("embed", embed_);
  v("wide", wide_);
  v("narrow", narrow_);
}

ConvEncoder::ConvEncoder(const Config& config) : embed_(words(config)), dropout_(config.dropout) {
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    convolutions_.emplace_back(config.attention_size, config.attention_size, kConvSize,
                               nn::Conv1dOptions{.padding = kConvSize / 2});
  }
}

Elements ConvEncoder::operator()(const std::vector<std::int32_t>& tokens,
                                 const Segments& texts) const {
  Elements e{dropout(embed_(to_tensor(tokens)), dropout_, training()), texts, 1};
  for (const nn::Conv1d& convolution : convolutions_) {
    const Tensor seen = relu(convolution(e.values, convolution.windows(e.segments)));
    const Windows halves = pool_.windows(e.segments);
    // No text has more tokens than all: doubled for every layer, the stride would overflow.
    const std::int64_t stride = std::min(2 * e.stride, texts.rows());
    e = {dropout(pool_(seen, halves), dropout_, training()), halves.segments, stride};
  }
  return e;
}

void ConvEncoder::visit(nn::Visitor& v) {
  v("embed", embed_);
  v("convolutions", convolutions_);
}

TransformerEncoder::TransformerEncoder(const Config& config)
    : embed_(words(config)), dropout_(config.dropout) {
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    layers_.emplace_back(config.attention_size, config.heads,
                         nn::TransformerOptions{.hidden = config.hidden_size, .dropout = dropout_});
  }
}

Elements TransformerEncoder::operator()(const std::vector<std::int32_t>& tokens,
                                        const Segments& texts) const {
  const Tensor places = nn::sinusoidal_positions(texts, embed_.weight.size(1)) * kWordDeviation;
  Tensor x = dropout(embed_(to_tensor(tokens)) + places, dropout_, training());
  for (const nn::TransformerEncoderLayer& layer : layers_) x = layer(x, texts);
  return {x, texts, 1};
}

void TransformerEncoder::visit(nn::Visitor& v) {
  v("embed", embed_);
  v("layers", layers_);
}

std::unique_ptr<Encoder> make_encoder(const Config& config) {
  switch (config.encoder) {
    case EncoderKind::ngram:
    case EncoderKind::wide_deep:
    case EncoderKind::linear: break;
    case EncoderKind::conv: return std::make_unique<ConvEncoder>(config);
    case EncoderKind::transformer: return std::make_unique<TransformerEncoder>(config);
  }
  return std::make_unique<LinearEncoder>(config);
}

}  // namespace gradus::classify
