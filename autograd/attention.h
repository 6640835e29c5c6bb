// Attention: each query looks at keys, turns their scores into weights that add up to 1, and takes
// the average of the keys' values by these weights (Bahdanau et al. 2015; Vaswani et al. 2017):
//
//   weights = softmax(score(q, k)),   y = weights v
//
//   Tensor y = attention(q, k, v);                                // [..., m, d] by dot product
//   Tensor y = attention(q, k, v, {.score = Score::euclidean});
//   Tensor y = attention(q, k, v, texts);                         // packed [rows, heads, d]
//
// The score is a choice:
//   dot        q.k / sqrt(d)
//   euclidean  -||q - k||^2 / 2 / sqrt(d)
//   additive   sum(weight * tanh(q + k)), with a learned weight [d]
// Since -||q - k||^2 / 2 = q.k - ||k||^2 / 2 - ||q||^2 / 2, and softmax cancels the query's own
// term, Euclidean attention is dot-product attention with a bias for each key that turns down long
// keys. Queries and keys are first moved to where the mean of the keys that most queries see is 0, so
// that little cancels, and keys that are hidden change no digit.
#pragma once

#include <optional>
#include <string_view>

#include "autograd/segments.h"
#include "tensor/tensor.h"

namespace gradus {

enum class Score { dot, euclidean, additive };
const char* name_of(Score score);
// The score of that name; nothing for an unknown one.
std::optional<Score> score_named(std::string_view name);

struct AttentionOptions {
  Score score = Score::dot;
  // [d]; needed by the additive score, unused by the others.
  Tensor weight = {};
  // Boolean, broadcasts to the scores [..., m, n]: true where a query may look. A query that may
  // look nowhere gets zeros, and finite gradients. Dense form only.
  Tensor mask = {};
  // Query i sees keys 0..i only.
  bool causal = false;
  // Each weight is zeroed with this probability, the others divided by 1 - dropout. Takes the next
  // random stream (tensor/random.h). For attention() only.
  double dropout = 0;
};

// q [..., m, d], k [..., n, d]: [..., m, n], before masks and softmax.
Tensor attention_scores(const Tensor& q, const Tensor& k, const AttentionOptions& options = {});
// softmax of the scores where the mask allows.
Tensor attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& options = {});
// q [..., m, d], k [..., n, d], v [..., n, e]: [..., m, e].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v,
                 const AttentionOptions& options = {});

// Within each segment of a packed batch, each head by itself: q, k, v [rows, heads, d] -> [rows,
// heads, d].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Segments& segments,
                 const AttentionOptions& options = {});

// One query for each segment (or one for all: [1, heads, d]) that looks at the segment's rows:
// query [count, heads, d], keys [rows, heads, d] -> weights [rows, heads].
Tensor pooling_weights(const Tensor& query, const Tensor& keys, const Segments& segments,
                       const AttentionOptions& options = {});
// The average of values [rows, heads, e] by weights [rows, heads] over each segment: [count, heads,
// e].
Tensor pool(const Tensor& weights, const Tensor& values, const Segments& segments);

}  // namespace gradus
