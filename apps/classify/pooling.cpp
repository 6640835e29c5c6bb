#include "apps/classify/pooling.h"

#include <cmath>
#include <vector>

#include "autograd/ops.h"
#include "nn/init.h"

namespace gradus::classify {

namespace {

constexpr double kKeyShare = 0.1;  // keys start short: no position is turned down for its length
constexpr double kPartScale = 10;  // Adam's steps are as long as those of layers, and b is larger

// Of each position the part of its text that it is in, i32 [positions].
Tensor part_numbers(const Segments& texts, std::int64_t parts, Backend& backend) {
  std::vector<std::int32_t> numbers;
  numbers.reserve(static_cast<std::size_t>(texts.rows()));
  for (std::int64_t i = 0; i < texts.count(); ++i) {
    const std::int64_t size = texts.size(i);
    for (std::int64_t t = 0; t < size; ++t) {
      numbers.push_back(static_cast<std::int32_t>(parts * t / size));
    }
  }
  return from_vector(numbers, {texts.rows()}, &backend);
}

}  // namespace

Pooling::Pooling(std::int64_t size, std::int64_t heads, const Config& config)
    : heads_(heads), score_(score_of(config)) {
  if (config.parts > 0) parts_ = nn::parameter(zeros({config.parts, heads}));
  if (!score_) return;
  const double bound = 1 / std::sqrt(static_cast<double>(size));
  if (config.key_size > 0) {
    keys_ = nn::parameter(empty({config.key_size, size}));
    nn::init::uniform(keys_, -kKeyShare * bound, kKeyShare * bound);
  }
  const std::int64_t width = config.key_size > 0 ? config.key_size : size;
  queries_ = nn::parameter(zeros({heads, width}));
  scale_ = nn::parameter(ones({1}));
  if (score_ != Score::additive) return;
  score_weight_ = nn::parameter(empty({width}));
  nn::init::uniform(score_weight_, -bound, bound);
}

Pooling::Pooled Pooling::operator()(const Tensor& h, const Segments& texts) const {
  Tensor scores;
  if (!score_) {
    scores = zeros({h.size(0), heads_}, {h.dtype(), &h.backend()});
  } else {
    // A score is the same either way: keys ask, so that a position's are side by side.
    scores = attention_scores(keys_.defined() ? linear(h, keys_) : h, queries_ * scale_,
                              {.score = *score_, .weight = score_weight_});
  }
  if (parts_.defined()) {
    const Tensor numbers = part_numbers(texts, parts_.size(0), h.backend());
    scores = scores + gather(parts_ * kPartScale, numbers);
  }
  const Tensor weights = segment_softmax(scores, texts);
  const Tensor parts = reshape(h, {h.size(0), heads_, h.size(1) / heads_});
  return {flatten(pool(weights, parts, texts), 1), weights};
}

void Pooling::visit(nn::Visitor& v) {
  v("keys", keys_);
  v("queries", queries_);
  v("scale", scale_);
  v("score_weight", score_weight_);
  v("parts", parts_);
}

}  // namespace gradus::classify
