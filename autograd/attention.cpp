#include "autograd/attention.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::array kNames{"dot", "euclidean", "additive"};

double scale_of(const Tensor& q) { return 1 / std::sqrt(static_cast<double>(q.size(-1))); }

void check_points(const char* op, const Tensor& q, const Tensor& k,
                  const AttentionOptions& options) {
  if (q.rank() < 2 || k.rank() < 2 || q.size(-1) != k.size(-1)) {
    throw ShapeError(fmt::format("[{}] queries {} and keys {} must end with the same size", op,
                                 to_string(q.shape()), to_string(k.shape())));
  }
  if (options.score == Score::additive && !options.weight.defined()) {
    throw Error(fmt::format("[{}] the additive score needs a weight [{}]: pass {{.weight = w}}", op,
                            q.size(-1)));
  }
  if (options.score == Score::additive && options.weight.shape() != Shape{q.size(-1)}) {
    throw ShapeError(fmt::format("[{}] the additive score's weight {} must be [{}]", op,
                                 to_string(options.weight.shape()), q.size(-1)));
  }
}

}  // namespace

const char* name_of(Score score) { return kNames[static_cast<std::size_t>(score)]; }

std::optional<Score> score_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Score>(i);
  }
  return std::nullopt;
}

Tensor attention_scores(const Tensor& q, const Tensor& k, const AttentionOptions& options) {
  check_points("attention", q, k, options);
  const double scale = scale_of(q);
  switch (options.score) {
    case Score::dot: return matmul(q * scale, transpose(k));
    case Score::euclidean: return squared_distance(q, k) * (-0.5 * scale);
    case Score::additive: break;
  }
  // [..., m, 1, d] + [..., 1, n, d]
  return sum(options.weight * tanh(unsqueeze(q, -2) + unsqueeze(k, -3)), -1);
}

Tensor attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options) {
  Tensor scores = attention_scores(q, k, options);
  if (options.mask.defined()) scores = where(options.mask, scores, -kInfinity);
  if (options.causal) {
    const TensorOptions index{DType::i32, &q.backend()};
    const Tensor earlier =
        unsqueeze(arange(scores.size(-2), index), 1) >= arange(scores.size(-1), index);
    scores = where(earlier, scores, -kInfinity);
  }
  return softmax(scores);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options) {
  return matmul(attention_weights(q, k, options), v);
}

namespace {

// The definition of packed attention: one segment after another. `one` attends within a segment, on
// [heads, rows, d] tensors cut from each of `inputs` [rows, heads, d].
template <class One>
Tensor each_segment(const std::vector<Tensor>& inputs, const Segments& segments, One one) {
  std::vector<Tensor> parts;
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    if (segments.size(s) == 0) continue;
    std::vector<Tensor> cut;
    for (const Tensor& x : inputs) {
      cut.push_back(transpose(slice(x, 0, segments.begin(s), segments.end(s)), 0, 1));
    }
    parts.push_back(transpose(one(cut), 0, 1));
  }
  return parts.empty() ? inputs[2] : concat(parts, 0);
}

// softmax(q k^T / sqrt(d) + bias) v within each segment; bias [rows, heads] is one for each key.
Tensor biased_attention(const std::vector<Tensor>& inputs, const Segments& segments) {
  const double scale = scale_of(inputs[0]);
  const Definition definition = [segments, scale](const std::vector<Tensor>& in) {
    return each_segment(in, segments, [scale](const std::vector<Tensor>& cut) {
      const Tensor scores = matmul(cut[0] * scale, transpose(cut[1]));  // [heads, n, n]
      return matmul(softmax(scores + unsqueeze(cut[3], 1)), cut[2]);    // bias [heads, 1, n]
    });
  };
  std::vector<Tensor> dense;
  for (const Tensor& x : inputs) {
    const bool rows_dense = x.numel() == 0 || x.layout().stride(-1) == 1;
    dense.push_back(rows_dense ? x.detach() : compute::contiguous(x));
  }
  const Tensor &q = dense[0], &k = dense[1], &v = dense[2];
  const Tensor bias = compute::contiguous(dense[3]);
  const TensorOptions like{q.dtype(), &q.backend()};
  const Tensor y = empty(v.shape(), like);
  const Tensor log_sum = empty(bias.shape(), like);
  const Tensor offsets = segments.offsets_on(q.backend());
  if (v.shape() != q.shape() ||
      !q.backend().attention({q.view(), k.view(), v.view(), bias.view(), offsets.view(), {}, scale},
                             y.view(), log_sum.view())) {
    return definition(inputs);
  }
  return record_fused(
      "attention", y, inputs, definition,
      [=](const Tensor& g, const Tensor& result) -> std::vector<Tensor> {
        const Tensor dq = empty(q.shape(), like), dk = empty(k.shape(), like);
        const Tensor dv = empty(v.shape(), like), dbias = empty(bias.shape(), like);
        const Tensor gc = compute::contiguous(g);
        if (!q.backend().attention_gradient(
                {q.view(), k.view(), v.view(), bias.view(), offsets.view(), {}, scale},
                result.view(), log_sum.view(), gc.view(),
                {dq.view(), dk.view(), dv.view(), dbias.view()})) {
          throw BackendError("[attention] the backend took the forward offer but not its gradient");
        }
        return {dq, dk, dv, dbias};
      });
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
  if (options.causal || options.score == Score::additive) {
    return each_segment({q, k, v}, segments, [&options](const std::vector<Tensor>& cut) {
      return attention(cut[0], cut[1], cut[2], options);
    });
  }
  // The query's own -||q||^2 / 2 is the same for all its keys: softmax cancels it.
  const Tensor bias = options.score == Score::euclidean
                          ? sum(square(k), -1) * (-0.5 * scale_of(k))
                          : zeros({k.size(0), k.size(1)}, {k.dtype(), &k.backend()});
  return biased_attention({q, k, v, bias}, segments);
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

Tensor pool(const Tensor& weights, const Tensor& values, const Segments& segments) {
  if (weights.rank() != 2 || values.rank() != 3 || weights.size(0) != values.size(0) ||
      weights.size(1) != values.size(1)) {
    throw ShapeError(
        fmt::format("[pool] weights {} must be [rows, heads] and values {} [rows, heads, e]",
                    to_string(weights.shape()), to_string(values.shape())));
  }
  return segment_sum(unsqueeze(weights, -1) * values, segments);
}

}  // namespace gradus
