#include "nn/transformer.h"

namespace gradus::nn {

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t dim, std::int64_t heads,
                                                 TransformerOptions options)
    : self_attn(dim, heads, {.score = options.score}),
      linear1(dim, options.hidden == 0 ? 4 * dim : options.hidden),
      linear2(options.hidden == 0 ? 4 * dim : options.hidden, dim),
      norm1(dim),
      norm2(dim),
      dropout_(options.dropout),
      norm_first_(options.norm_first),
      activation_(options.activation) {}

template <class Attend>
Tensor TransformerEncoderLayer::run(const Tensor& x, Attend attend) const {
  const auto drop = [this](const Tensor& y) { return dropout(y, dropout_, training()); };
  const auto feed = [&](const Tensor& y) { return linear2(drop(linear1(y, activation_))); };
  if (norm_first_) {
    const Tensor h = x + drop(attend(norm1(x)));
    return h + drop(feed(norm2(h)));
  }
  const Tensor h = norm1(x + drop(attend(x)));
  return norm2(h + drop(feed(h)));
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const Segments& segments,
                                           bool causal) const {
  return run(x, [&](const Tensor& y) { return self_attn(y, segments, causal); });
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const MaskOptions& options) const {
  return run(x, [&](const Tensor& y) { return self_attn(y, options); });
}

void TransformerEncoderLayer::visit(Visitor& v) {
  v("self_attn", self_attn);
  v("linear1", linear1);
  v("linear2", linear2);
  v("norm1", norm1);
  v("norm2", norm2);
}

}  // namespace gradus::nn
