#include "autograd/attention.h"

#include <fmt/format.h>

#include <algorithm>

#include "autograd/attention_scores.h"
#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus {

namespace {

// Throws unless the mask, if there is one, is for scores of that shape where q is.
void check_mask(const Tensor& mask, const Shape& scores, const Tensor& q) {
  if (!mask.defined()) return;
  if (mask.dtype() != DType::boolean || &mask.backend() != &q.backend()) {
    throw DTypeError(fmt::format("[attention] the mask must be boolean and on q's backend, got {}",
                                 describe(mask)));
  }
  if (broadcast(scores, mask.shape(), "attention") != scores) {
    throw ShapeError(fmt::format("[attention] the mask {} is larger than the scores {}",
                                 to_string(mask.shape()), to_string(scores)));
  }
}

// softmax(scores [..., m, n]) where the mask and the order of time allow.
Tensor masked_softmax(Tensor scores, const Tensor& mask, bool causal) {
  if (mask.defined()) scores = where(mask, scores, -kInfinity);
  if (causal) {
    const TensorOptions index{DType::i32, &scores.backend()};
    const Tensor earlier =
        unsqueeze(arange(scores.size(-2), index), 1) >= arange(scores.size(-1), index);
    scores = where(earlier, scores, -kInfinity);
  }
  return softmax(scores);
}

// Dropout of attention's weights. Each query has a row of numbers in the stream, as long as the
// longest list of keys rounded up to fours (tensor/backend.h), so that kernels can make any tile.
struct WeightDropout {
  double p = 0;
  RandomState state{};

  // The numbers of queries `rows` with up to `keys` keys: [rows..., keys].
  Tensor numbers(const Shape& rows, std::int64_t keys, Backend& on) const {
    if (p == 0) return {};
    return uniform_stream(state, rows.inserted(-1, (keys + 3) / 4 * 4), on);
  }
  // weights [..., m, n], some of them zeroed, the others divided by 1 - p.
  Tensor drop(const Tensor& weights, const Tensor& numbers) const {
    if (p == 0) return weights;
    return where(slice(numbers, -1, 0, weights.size(-1)) >= p, weights * (1 / (1 - p)), 0);
  }
};

WeightDropout weight_dropout(double p) {
  if (!(p >= 0 && p < 1)) {
    throw Error(fmt::format("[attention] the probability of dropout {} is not in [0, 1)", p));
  }
  return p == 0 ? WeightDropout{} : WeightDropout{p, take_stream()};
}

Shape lead_of(const Tensor& x) { return x.shape().without(-1).without(-1); }

}  // namespace

Tensor attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options) {
  check_points("attention", q, k, options);
  const Shape lead = broadcast(lead_of(q), lead_of(k), "attention");
  check_mask(options.mask, lead.inserted(-1, q.size(-2)).inserted(-1, k.size(-2)), q);
  const bool hides = options.mask.defined() || options.causal;
  const auto scores = [&] {  // distances know no hidden keys
    if (!hides || options.score != Score::euclidean) return attention_scores(q, k, options);
    const Scored in = scored(options, q, k, options.mask);
    return scores_of_products(in.q, in.k, in.bias);
  };
  return masked_softmax(scores(), options.mask, options.causal);
}

namespace {

Tensor with_dense_rows(const Tensor& x) {
  return x.numel() == 0 || x.layout().stride(-1) == 1 ? x.detach() : compute::contiguous(x);
}

// Uninitialised [batch, heads, time, dim], laid out as [batch, time, heads, dim]: how projections
// that are cut into heads lie. Packed ones are laid out as they are.
Tensor room(const Shape& shape, const Tensor& like) {
  const TensorOptions options = like.options();
  if (shape.rank() != 4) return empty(shape, options);
  const Tensor x = empty({shape[0], shape[2], shape[1], shape[3]}, options);
  return x.with_layout(x.layout().permuted(std::vector{0, 2, 1, 3}));
}

// How the backend's kernel is asked.
struct Setting {
  Tensor offsets = {};  // packed
  Tensor mask = {};     // dense, of the scores' shape
  double scale;
  bool causal;
  WeightDropout dropout;
};

// softmax(scale q k^T + bias) v by the backend's kernel; where it has none, by the definition. inputs
// are q, k, v, and the keys' bias or an undefined tensor. With W the weights, dropout aside: dW = g v^T,
// dS = W * (dW - sum(W * dW)), dq = scale dS k, dk = scale dS^T q, dv = W^T g, dbias = dS summed over q.
Tensor attend_fused(const std::vector<Tensor>& inputs, const Setting& setting,
                    const Definition& definition) {
  const Tensor q = with_dense_rows(inputs[0]), k = with_dense_rows(inputs[1]);
  const Tensor v = with_dense_rows(inputs[2]);
  const Tensor bias = inputs[3].defined() ? compute::contiguous(inputs[3]) : Tensor();
  Backend& on = q.backend();
  const Tensor y = room(q.shape().with(-1, v.size(-1)), q);
  const Tensor log_sum = empty(q.shape().without(-1), {q.dtype(), &on});
  const auto asked = [=] {
    return AttentionInputs{q.view(),
                           k.view(),
                           v.view(),
                           compute::view_of(bias),
                           compute::view_of(setting.offsets),
                           compute::view_of(setting.mask),
                           setting.scale,
                           setting.causal,
                           setting.dropout.p,
                           setting.dropout.state.seed,
                           setting.dropout.state.next_stream};
  };
  if (y.numel() == 0 || !on.attention(asked(), y.view(), log_sum.view())) return definition(inputs);
  return record_fused(
      "attention", y, inputs, definition,
      [=, &on](const Tensor& g, const Tensor& result) -> std::vector<Tensor> {
        const Tensor dq = room(q.shape(), q), dk = room(k.shape(), k), dv = room(v.shape(), v);
        const Tensor dbias = bias.defined() ? empty(bias.shape(), {q.dtype(), &on}) : Tensor();
        const bool taken =
            on.attention_gradient(asked(), result.view(), log_sum.view(), with_dense_rows(g).view(),
                                  {dq.view(), dk.view(), dv.view(), compute::view_of(dbias)});
        compute::check_taken("attention", taken);
        return {dq, dk, dv, dbias};
      });
}

// [..., time, dim] with up to two axes before these as [batch, heads, time, dim].
Tensor as_dense(const Tensor& x, const Shape& lead) {
  Tensor wide = expand(x, lead.inserted(-1, x.size(-2)).inserted(-1, x.size(-1)));
  while (wide.rank() < 4) wide = unsqueeze(wide, 0);
  return wide;
}

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) {
  const WeightDropout dropout = weight_dropout(options.dropout);
  const auto drop = [dropout](const Tensor& weights) {
    const Tensor numbers =
        dropout.numbers(weights.shape().without(-1), weights.size(-1), weights.backend());
    return dropout.drop(weights, numbers);
  };
  check_points("attention", q, k, options);
  if (v.rank() < 2 || v.size(-2) != k.size(-2)) {
    throw ShapeError(
        fmt::format("[attention] keys {} and values {} must have the same number of rows",
                    to_string(k.shape()), to_string(v.shape())));
  }
  if (std::max({q.rank(), k.rank(), v.rank()}) > 4 || options.score == Score::additive) {
    return matmul(drop(attention_weights(q, k, options)), v);
  }
  compute::check_same("attention", q, k);
  compute::check_same("attention", q, v);
  compute::check_floating("attention", q);
  const Shape batch =
      broadcast(broadcast(lead_of(q), lead_of(k), "attention"), lead_of(v), "attention");
  const Shape scores = batch.inserted(-1, q.size(-2)).inserted(-1, k.size(-2));
  check_mask(options.mask, scores, q);
  Tensor mask;
  if (options.mask.defined()) {
    mask = expand(options.mask, scores);
    while (mask.rank() < 4) mask = unsqueeze(mask, 0);
  }
  const Setting setting{{}, mask, scale_of(q), options.causal, dropout};
  const Definition definition = [setting, drop](const std::vector<Tensor>& in) {
    const Tensor all = scores_of_products(in[0], in[1], in[3]);  // [batch, heads, m, n]
    return matmul(drop(masked_softmax(all, setting.mask, setting.causal)), in[2]);
  };
  const Tensor wide_q = as_dense(q, batch), wide_k = as_dense(k, batch);
  const Scored in = scored(options, wide_q, wide_k, options.mask);
  const Tensor y = attend_fused({in.q, in.k, as_dense(v, batch), in.bias}, setting, definition);
  return reshape(y, batch.inserted(-1, y.size(-2)).inserted(-1, y.size(-1)));
}

namespace {

// The definition of packed attention: one segment after another. one(cut, numbers) attends within a
// segment, on [heads, rows, d] tensors cut from each of `inputs` [rows, heads, d], with the numbers
// [heads, rows, keys] for dropout.
template <class One>
Tensor each_segment(const std::vector<Tensor>& inputs, const Segments& segments,
                    const WeightDropout& dropout, One one) {
  const Tensor numbers =
      dropout.numbers(inputs[0].shape().without(-1), segments.longest(), inputs[0].backend());
  std::vector<Tensor> parts;
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    if (segments.size(s) == 0) continue;
    const auto heads_first = [&](const Tensor& x) {
      return x.defined() ? transpose(slice(x, 0, segments.begin(s), segments.end(s)), 0, 1) : x;
    };
    std::vector<Tensor> cut;
    for (const Tensor& x : inputs) cut.push_back(heads_first(x));
    parts.push_back(transpose(one(cut, heads_first(numbers)), 0, 1));
  }
  return parts.empty() ? inputs[2] : concat(parts, 0);
}

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Segments& segments,
                 const AttentionOptions& options) {
  check_points("attention", q, k, options);
  if (q.rank() != 3 || q.shape() != k.shape() || v.rank() != 3 || v.size(1) != q.size(1) ||
      q.size(0) != segments.rows() || v.size(0) != segments.rows()) {
    throw ShapeError(fmt::format(
        "[attention] packed q {}, k {}, v {} must be [rows, heads, d] with the "
        "{} rows that the segments cover",
        to_string(q.shape()), to_string(k.shape()), to_string(v.shape()), segments.rows()));
  }
  if (options.mask.defined()) {
    throw Error("[attention] packed attention takes no mask: the segments say who sees whom");
  }
  compute::check_same("attention", q, k);
  compute::check_same("attention", q, v);
  compute::check_floating("attention", q);
  const WeightDropout dropout = weight_dropout(options.dropout);
  if (options.score == Score::additive) {
    return each_segment({q, k, v}, segments, dropout, [&](auto& cut, const Tensor& numbers) {
      return matmul(dropout.drop(attention_weights(cut[0], cut[1], options), numbers), cut[2]);
    });
  }
  const Setting setting{segments.offsets_on(q.backend()), {}, scale_of(q), options.causal, dropout};
  const Definition definition = [setting, segments](const std::vector<Tensor>& in) {
    return each_segment(in, segments, setting.dropout, [&](auto& cut, const Tensor& numbers) {
      const Tensor all = scores_of_products(cut[0], cut[1], cut[3]);  // [heads, rows, rows]
      const Tensor weights = masked_softmax(all, {}, setting.causal);
      return matmul(setting.dropout.drop(weights, numbers), cut[2]);
    });
  };
  const Scored in = scored(options, q, k, segments);
  return attend_fused({in.q, in.k, v, in.bias}, setting, definition);
}

Tensor pooling_weights(const Tensor& query, const Tensor& keys, const Segments& segments,
                       const AttentionOptions& options) {
  check_points("pooling_weights", query, keys, options);
  if (query.rank() != 3 || keys.rank() != 3 || query.size(1) != keys.size(1)) {
    throw ShapeError(
        fmt::format("[pooling_weights] query {} must be [segments, heads, d] and keys {} "
                    "[rows, heads, d]",
                    to_string(query.shape()), to_string(keys.shape())));
  }
  const Tensor q = query.size(0) == 1 ? query : segment_expand(query, segments);
  const double scale = scale_of(keys);
  Tensor scores;  // [rows, heads]
  switch (options.score) {
    case Score::dot: scores = sum(q * keys, -1) * scale; break;
    case Score::euclidean: scores = sum(square(q - keys), -1) * (-0.5 * scale); break;
    case Score::additive: scores = sum(options.weight * tanh(q + keys), -1); break;
  }
  return segment_softmax(scores, segments);
}

// y_s = sum(w_t v_t) over the rows t of segment s: dL/dw_t = g_s . v_t, dL/dv_t = w_t g_s.
Tensor pool(const Tensor& weights, const Tensor& values, const Segments& segments) {
  if (weights.rank() != 2 || values.rank() != 3 || weights.size(0) != values.size(0) ||
      weights.size(1) != values.size(1)) {
    throw ShapeError(
        fmt::format("[pool] weights {} must be [rows, heads] and values {} [rows, heads, e]",
                    to_string(weights.shape()), to_string(values.shape())));
  }
  const Definition definition = [segments](const std::vector<Tensor>& in) {
    return segment_sum(unsqueeze(in[0], -1) * in[1], segments);
  };
  compute::check_same("pool", weights, values);
  compute::check_floating("pool", values);
  if (values.size(0) != segments.rows()) return definition({weights, values});  // throws
  Backend& on = values.backend();
  const Tensor w = compute::contiguous(weights), v = compute::contiguous(values);
  const Tensor y = empty(v.shape().with(0, segments.count()), {v.dtype(), &on});
  const Tensor offsets = segments.offsets_on(on);
  if (!on.pool(w.view(), v.view(), offsets.view(), y.view())) return definition({weights, values});
  return record_fused(
      "pool", y, {weights, values}, definition,
      [=, &on](const Tensor& g, const Tensor&) -> std::vector<Tensor> {
        const Tensor dw = empty(w.shape(), w.options()), dv = empty(v.shape(), v.options());
        const bool taken = on.pool_gradient(w.view(), v.view(), offsets.view(),
                                            compute::contiguous(g).view(), dw.view(), dv.view());
        compute::check_taken("pool", taken);
        return {dw, dv};
      });
}

}  // namespace gradus
