#include "apps/classify/pooling.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/init.h"

namespace gradus::classify {

Pooling::Pooling(std::int64_t size, std::int64_t heads, Score score)
    : score_(score),
      queries_(nn::parameter(zeros({heads, size}))),
      scale_(nn::parameter(ones({1}))) {
  if (score != Score::additive) return;
  const double bound = 1 / std::sqrt(static_cast<double>(size));
  score_weight_ = nn::parameter(empty({size}));
  nn::init::uniform(score_weight_, -bound, bound);
}

Pooling::Pooled Pooling::operator()(const Tensor& h, const Segments& texts) const {
  const std::int64_t heads = queries_.size(0);
  const Tensor scores =
      attention_scores(queries_ * scale_, h, {.score = score_, .weight = score_weight_});
  const Tensor weights = segment_softmax(transpose(scores), texts);
  const Tensor parts = reshape(h, {h.size(0), heads, h.size(1) / heads});
  return {flatten(pool(weights, parts, texts), 1), weights};
}

void Pooling::visit(nn::Visitor& v) {
  v("queries", queries_);
  v("scale", scale_);
  v("score_weight", score_weight_);
}

}  // namespace gradus::classify
