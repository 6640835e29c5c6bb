// Attention: each query scores all keys, turns the scores into weights that add up to 1, and
// averages the keys' values with these weights (Bahdanau et al. 2015; Vaswani et al. 2017):
//
//   weights = softmax(score(q, k)),   y = weights v
//
//   Tensor y = attention(q, k, v);                                // dense, q [..., m, d]
//   Tensor y = attention(q, k, v, {.score = Score::euclidean});
//   Tensor y = attention(q, k, v, texts);                         // packed [rows, heads, d]
//
// The score is a choice:
//   dot        q.k / sqrt(d)
//   euclidean  -||q - k||^2 / 2 / sqrt(d)
//   additive   sum(weight * tanh(q + k)), with a learned weight [d]
// Since -||q - k||^2 / 2 = q.k - ||k||^2 / 2 - ||q||^2 / 2 and softmax cancels the query's own
// term, Euclidean attention is dot-product attention with a bias for each key, which turns down
// long keys. To limit cancellation, queries and keys are first centred on the mean of the keys that
// most queries see, so hidden keys change no digit.
//
// All functions throw ShapeError for shapes that do not fit, Error if the additive score has no
// weight, a packed batch has a mask, or dropout is not in [0, 1).
#pragma once

#include <optional>
#include <string_view>

#include "autograd/segments.h"
#include "tensor/tensor.h"

namespace gradus {

enum class Score { dot, euclidean, additive };
const char* name_of(Score score);
// The score with this name; none if the name is unknown.
std::optional<Score> score_named(std::string_view name);

struct AttentionOptions {
  Score score = Score::dot;
  // [d]. Required by the additive score, unused by the others.
  Tensor weight = {};
  // Boolean, broadcasts to the scores [..., m, n]: true where a query may see a key. A query that
  // sees no key gets zeros, and finite gradients. Dense form only.
  Tensor mask = {};
  // Query i sees only keys 0..i.
  bool causal = false;
  // Zeroes each weight with this probability and divides the others by 1 - dropout. Takes the next
  // random stream (tensor/random.h). For attention() only.
  double dropout = 0;
};

// The scores before masking and softmax: q [..., m, d], k [..., n, d] -> [..., m, n].
Tensor attention_scores(const Tensor& q, const Tensor& k, const AttentionOptions& options = {});
// The softmax of the scores that the mask allows: [..., m, n].
Tensor attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options = {});
// q [..., m, d], k [..., n, d], v [..., n, e] -> [..., m, e].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options = {});

// Packed, within each segment and for each head: q, k, v [rows, heads, d] -> [rows, heads, d].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Segments& segments,
                 const AttentionOptions& options = {});

// The weights of one query per segment (or one for all: [1, heads, d]) over the segment's rows:
// query [count, heads, d], keys [rows, heads, d] -> [rows, heads].
Tensor pooling_weights(const Tensor& query, const Tensor& keys, const Segments& segments,
                       const AttentionOptions& options = {});
// The weighted sum over each segment: weights [rows, heads], values [rows, heads, e] ->
// [count, heads, e].
Tensor pool(const Tensor& weights, const Tensor& values, const Segments& segments);

}  // namespace gradus
