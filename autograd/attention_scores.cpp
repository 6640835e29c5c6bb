#include "autograd/attention_scores.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {

constexpr std::array kNames{"dot", "euclidean", "additive"};

}  // namespace

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
    case Score::dot:  // the smaller of the two is scaled
      return q.numel() <= k.numel() ? matmul(q * scale, transpose(k))
                                    : matmul(q, transpose(k * scale));
    case Score::euclidean: return squared_distance(q, k) * (-0.5 * scale);
    case Score::additive: break;
  }
  // [..., m, 1, d] + [..., 1, n, d]
  return sum(options.weight * tanh(unsqueeze(q, -2) + unsqueeze(k, -3)), -1);
}

namespace {

// Where Euclidean queries and keys k [..., n, d] are moved to: [..., 1, d]. Keys that a query does not
// see must not change its digits. So it is the mean of the keys that most queries see: of all without a
// mask, of those that are not hidden with a mask of keys, and in causal order the first of these alone.
Tensor centre_of_keys(const Tensor& k, const Tensor& mask, bool causal) {
  NoGrad off;
  const std::int64_t n = k.size(-2);
  if (!mask.defined() || n == 0) return compute::centre_of(slice(k, -2, 0, causal ? 1 : n));
  Tensor seen = mask;  // [..., m, n]
  while (seen.rank() < 2) seen = unsqueeze(seen, 0);
  seen = expand(seen, seen.shape().with(-1, n));
  const Tensor queries = sum(cast(seen, k.dtype()), -2, true);  // that see a key: [..., 1, n]
  const Tensor counted = causal ? arange(n, {DType::i32, &k.backend()}) == argmax(queries, -1, true)
                                : queries == maximum(max(queries, -1, true), 1);
  return compute::centre_of(k, transpose(counted));
}

// Of each row the centre of its segment, alike: k [rows, heads, d] -> [rows, heads, d].
Tensor centre_of_keys(const Tensor& k, const Segments& segments, bool causal) {
  NoGrad off;
  const auto first = [&] {
    const Tensor begins = slice(segments.offsets_on(k.backend()), 0, 0, segments.count());
    return gather(k, minimum(begins, segments.rows() - 1));  // of an empty last one: any row
  };
  const Tensor centre = causal ? first() : segment_mean(k, segments);  // [segments, heads, d]
  return segment_expand(where(isfinite(centre), centre, 0), segments);
}

template <class Who>
Scored scored_around(const AttentionOptions& options, const Tensor& q, const Tensor& k,
                     const Who& seen) {
  if (options.score != Score::euclidean) return {q, k, {}};
  const Tensor centre = centre_of_keys(k, seen, options.causal);
  const Tensor near = k - centre;
  return {q - centre, near, sum(square(near), -1) * (-0.5 * scale_of(k))};
}

}  // namespace

Scored scored(const AttentionOptions& options, const Tensor& q, const Tensor& k,
              const Tensor& mask) {
  return scored_around(options, q, k, mask);
}
Scored scored(const AttentionOptions& options, const Tensor& q, const Tensor& k,
              const Segments& segments) {
  return scored_around(options, q, k, segments);
}

Tensor scores_of_products(const Tensor& q, const Tensor& k, const Tensor& bias) {
  const Tensor scores = matmul(q * scale_of(q), transpose(k));
  return bias.defined() ? scores + unsqueeze(bias, -2) : scores;
}

}  // namespace gradus
