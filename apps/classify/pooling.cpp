#include "apps/classify/pooling.h"

#include <cmath>
#include <vector>

#include "autograd/ops.h"
#include "nn/init.h"

namespace gradus::classify {

namespace {

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

Pooling::Pooling(std::int64_t size, std::int64_t heads, std::optional<Score> score,
                 std::int64_t parts)
    : heads_(heads), score_(score) {
  if (score) {
    queries_ = nn::parameter(zeros({heads, size}));
    scale_ = nn::parameter(ones({1}));
  }
  if (parts > 0) parts_ = nn::parameter(zeros({parts, heads}));
  if (score != Score::additive) return;
  const double bound = 1 / std::sqrt(static_cast<double>(size));
  score_weight_ = nn::parameter(empty({size}));
  nn::init::uniform(score_weight_, -bound, bound);
}

Pooling::Pooled Pooling::operator()(const Tensor& h, const Segments& texts) const {
  // A score is the same either way: h asks, so that a position's are side by side.
  Tensor scores =
      score_ ? attention_scores(h, queries_ * scale_, {.score = *score_, .weight = score_weight_})
             : zeros({h.size(0), heads_}, {h.dtype(), &h.backend()});
  if (parts_.defined()) {
    const Tensor numbers = part_numbers(texts, parts_.size(0), h.backend());
    scores = scores + gather(parts_ * kPartScale, numbers);
  }
  const Tensor weights = segment_softmax(scores, texts);
  const Tensor parts = reshape(h, {h.size(0), heads_, h.size(1) / heads_});
  return {flatten(pool(weights, parts, texts), 1), weights};
}

void Pooling::visit(nn::Visitor& v) {
  v("queries", queries_);
  v("scale", scale_);
  v("score_weight", score_weight_);
  v("parts", parts_);
}

}  // namespace gradus::classify
