#include "nn/transformer.h"

#include "nn/check.h"

namespace gradus::nn {

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t dim, std::int64_t heads,
                                                 TransformerOptions options)
    : self_attn(dim, heads, {.score = options.score, .rotary = options.rotary}),
      linear1(dim, options.hidden == 0 ? 4 * dim : options.hidden),
      linear2(options.hidden == 0 ? 4 * dim : options.hidden, dim),
      norm1(dim),
      norm2(dim),
      dropout_(options.dropout),
      norm_first_(options.norm_first),
      activation_(options.activation) {
  check_option("TransformerEncoderLayer", "dropout", options.dropout, 0, 1);
}

template <class Attend>
Tensor TransformerEncoderLayer::run(const Tensor& x, Attend attend) const {
  const auto drop = [this](const Tensor& y) { return dropout(y, dropout_, training()); };
  const auto feed = [&](const Tensor& y) { return linear2(drop(linear1(y, activation_))); };
  const auto add = [&](const Tensor& to, const LayerNorm& norm, const auto& part) {
    return norm_first_ ? to + drop(part(norm(to))) : norm(to + drop(part(to)));
  };
  return located([&] { return add(add(x, norm1, attend), norm2, feed); });
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

TransformerDecoderLayer::TransformerDecoderLayer(std::int64_t dim, std::int64_t heads,
                                                 TransformerOptions options)
    : self_attn(dim, heads, {.score = options.score, .rotary = options.rotary}),
      multihead_attn(dim, heads, {.score = options.score}),
      linear1(dim, options.hidden == 0 ? 4 * dim : options.hidden),
      linear2(options.hidden == 0 ? 4 * dim : options.hidden, dim),
      norm1(dim),
      norm2(dim),
      norm3(dim),
      dropout_(options.dropout),
      norm_first_(options.norm_first),
      activation_(options.activation) {
  check_option("TransformerDecoderLayer", "dropout", options.dropout, 0, 1);
}

template <class Attend, class Look>
Tensor TransformerDecoderLayer::run(const Tensor& x, Attend attend, Look look) const {
  const auto drop = [this](const Tensor& y) { return dropout(y, dropout_, training()); };
  const auto feed = [&](const Tensor& y) { return linear2(drop(linear1(y, activation_))); };
  const auto add = [&](const Tensor& to, const LayerNorm& norm, const auto& part) {
    return norm_first_ ? to + drop(part(norm(to))) : norm(to + drop(part(to)));
  };
  return located([&] { return add(add(add(x, norm1, attend), norm2, look), norm3, feed); });
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Segments& segments,
                                           const Tensor& memory, const Segments& memory_segments,
                                           bool causal) const {
  return run(
      x, [&](const Tensor& y) { return self_attn(y, segments, causal); },
      [&](const Tensor& y) { return multihead_attn(y, segments, memory, memory_segments); });
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Tensor& memory,
                                           const DecoderMasks& masks) const {
  return run(
      x,
      [&](const Tensor& y) {
        return self_attn(y, {masks.keys, masks.mask, masks.causal});
      },
      [&](const Tensor& y) {
        return multihead_attn(y, memory, memory, {masks.memory_keys, masks.memory_mask});
      });
}

void TransformerDecoderLayer::visit(Visitor& v) {
  v("self_attn", self_attn);
  v("multihead_attn", multihead_attn);
  v("linear1", linear1);
  v("linear2", linear2);
  v("norm1", norm1);
  v("norm2", norm2);
  v("norm3", norm3);
}

}  // namespace gradus::nn
