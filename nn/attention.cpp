#include "nn/attention.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"
#include "nn/positions.h"

namespace gradus::nn {

namespace {

std::int64_t or_else(std::int64_t size, std::int64_t otherwise) {
  return size == 0 ? otherwise : size;
}

// `size`, once it is sure that heads divide both it and dim: before any part is made, so that the
// message names the whole.
std::int64_t checked(const char* layer, std::int64_t size, std::int64_t dim, std::int64_t heads) {
  split_over(layer, dim, heads);
  split_over(layer, size, heads);
  return size;
}

// [..., heads * d] -> [..., heads, d]
Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return reshape(x, x.shape().with(-1, heads).inserted(-1, x.size(-1) / heads));
}

// The weight of the additive score, if that is the score.
Tensor make_score_weight(Score score, std::int64_t size) {
  if (score != Score::additive) return {};
  const double bound = 1 / std::sqrt(static_cast<double>(size));
  Tensor weight = parameter(empty({size}));
  init::uniform(weight, -bound, bound);
  return weight;
}

}  // namespace

// ---- Attention ----

Attention::Attention(std::int64_t dim, AttentionPoolingOptions options)
    : q_proj(or_else(options.query_dim, dim),
             checked("Attention", or_else(options.size, dim), dim, options.heads)),
      k_proj(dim, or_else(options.size, dim)),
      score_(options.score),
      heads_(options.heads) {
  const std::int64_t head = or_else(options.size, dim) / heads_;
  query = parameter(empty({1, or_else(options.query_dim, dim)}));
  init::normal(query);
  if (options.value) v_proj.emplace_back(dim, dim);
  score_weight = make_score_weight(score_, head);
}

Attention::Pooled Attention::pool(const Tensor& x, const Segments& segments,
                                  const Tensor& asked) const {
  if (x.rank() != 2) {
    throw ShapeError(fmt::format("{}: input {} must be [rows, features], packed", location(),
                                 to_string(x.shape())));
  }
  const Tensor q = split_heads(q_proj(asked.defined() ? asked : query), heads_);
  const Tensor k = split_heads(k_proj(x), heads_);
  const Tensor v = split_heads(v_proj.empty() ? x : v_proj[0](x), heads_);
  return located([&]() -> Pooled {
    const Tensor weights =
        pooling_weights(q, k, segments, {.score = score_, .weight = score_weight});
    return {watched(flatten(gradus::pool(weights, v, segments), 1)), weights};
  });
}

void Attention::visit(Visitor& v) {
  v("query", query);
  v("q_proj", q_proj);
  v("k_proj", k_proj);
  if (!v_proj.empty()) v("v_proj", v_proj[0]);
  v("score_weight", score_weight);
}

std::string Attention::detail() const {
  return fmt::format("{}, {} head{}", name_of(score_), heads_, heads_ == 1 ? "" : "s");
}

// ---- MultiheadAttention ----

MultiheadAttention::MultiheadAttention(std::int64_t dim, std::int64_t heads,
                                       MultiheadAttentionOptions options)
    : out_proj(checked("MultiheadAttention", dim, dim, heads), dim, {.bias = options.bias}),
      dim_(dim),
      heads_(heads),
      score_(options.score),
      dropout_(options.dropout),
      rotary_(options.rotary) {
  check_option("MultiheadAttention", "dropout", options.dropout, 0, 1);
  in_proj_weight = parameter(empty({check_product("MultiheadAttention", 3, dim), dim}));
  init::xavier_uniform(in_proj_weight);
  if (options.bias) {
    in_proj_bias = parameter(zeros({3 * dim}));
    init::zeros(out_proj.bias);
  }
  score_weight = make_score_weight(score_, dim / heads);
}

// x through the part of in_proj for queries (0), keys (1) or values (2), cut into heads:
// [..., dim] -> [..., heads, dim / heads].
Tensor MultiheadAttention::project(const Tensor& x, int part) const {
  if (x.rank() == 0 || x.size(-1) != dim_) {
    throw ShapeError(fmt::format("{}: input has {} features, expected {}; input {}", location(),
                                 x.rank() == 0 ? 0 : x.size(-1), dim_, to_string(x.shape())));
  }
  const auto rows = [&](const Tensor& of) {
    return of.defined() ? slice(of, 0, part * dim_, (part + 1) * dim_) : of;
  };
  return split_heads(linear(x, rows(in_proj_weight), rows(in_proj_bias)), heads_);
}

// [batch, time, dim] -> [batch, heads, time, dim / heads]
Tensor MultiheadAttention::project_heads(const Tensor& x, int part) const {
  if (x.rank() != 3) {
    throw ShapeError(fmt::format(
        "{}: input {} must be [batch, time, features]; a packed batch needs its segments",
        location(), to_string(x.shape())));
  }
  const Tensor heads = transpose(project(x, part), 1, 2);
  if (!rotary_ || part == 2) return heads;
  return rotary(heads, sinusoidal_positions(heads.size(2), heads.size(3), x.backend()));
}

// [rows, dim] -> [rows, heads, dim / heads]
Tensor MultiheadAttention::project_packed(const Tensor& x, const Segments& segments,
                                          int part) const {
  const Tensor heads = project(x, part);
  if (!rotary_ || part == 2) return heads;
  return rotary(heads, unsqueeze(sinusoidal_positions(segments, heads.size(2), x.backend()), 1));
}

AttentionOptions MultiheadAttention::options_for(const MaskOptions& options) const {
  Tensor mask = options.mask;
  if (mask.defined()) {
    if (mask.rank() < 2 || mask.rank() > 4) {
      throw ShapeError(fmt::format(
          "{}: a mask is [queries, keys], [batch, queries, keys] or [batch, heads, queries, keys], "
          "got {}",
          location(), to_string(mask.shape())));
    }
    if (mask.rank() == 3) mask = unsqueeze(mask, 1);
  }
  if (options.keys.defined()) {
    if (options.keys.rank() != 2) {
      throw ShapeError(fmt::format("{}: the mask of keys must be [batch, keys], got {}", location(),
                                   to_string(options.keys.shape())));
    }
    const Tensor keys = unsqueeze(unsqueeze(options.keys, 1), 1);
    mask = mask.defined() ? mask && keys : keys;
  }
  return {.score = score_,
          .weight = score_weight,
          .mask = mask,
          .causal = options.causal,
          .dropout = training() ? dropout_ : 0};
}

Tensor MultiheadAttention::operator()(const Tensor& x, const Segments& segments,
                                      bool causal) const {
  if (x.rank() != 2) {
    throw ShapeError(fmt::format("{}: input {} must be [rows, features], packed", location(),
                                 to_string(x.shape())));
  }
  return located([&] {
    const Tensor mixed =
        attention(project_packed(x, segments, 0), project_packed(x, segments, 1),
                  project_packed(x, segments, 2), segments, options_for({.causal = causal}));
    return out_proj(flatten(mixed, 1));
  });
}

Tensor MultiheadAttention::operator()(const Tensor& x, const MaskOptions& options) const {
  return (*this)(x, x, x, options);
}

Tensor MultiheadAttention::operator()(const Tensor& q, const Tensor& k, const Tensor& v,
                                      const MaskOptions& options) const {
  return located([&] { return attend(q, k, v, options); });
}

// [batch, time, dim], each of them.
Tensor MultiheadAttention::attend(const Tensor& q, const Tensor& k, const Tensor& v,
                                  const MaskOptions& options) const {
  const Tensor& keys = options.keys;
  const auto fits = [&](int axis) {
    return keys.size(axis) == 1 || keys.size(axis) == k.size(axis);
  };
  if (keys.defined() && keys.rank() == 2 && k.rank() == 3 && !(fits(0) && fits(1))) {
    throw ShapeError(fmt::format("{}: the mask of keys {} must be [batch, keys] of {}", location(),
                                 to_string(keys.shape()), to_string(k.shape())));
  }
  const Tensor mixed = attention(project_heads(q, 0), project_heads(k, 1), project_heads(v, 2),
                                 options_for(options));
  return out_proj(flatten(transpose(mixed, 1, 2), 2));
}

// Both sides are padded, [count, longest, dim], and the rows of the result picked out again.
Tensor MultiheadAttention::operator()(const Tensor& q, const Segments& segments,
                                      const Tensor& memory, const Segments& memory_segments) const {
  if (q.rank() != 2 || memory.rank() != 2 || q.size(0) != segments.rows() ||
      memory.size(0) != memory_segments.rows() || segments.count() != memory_segments.count()) {
    throw ShapeError(
        fmt::format("{}: queries {} of {} texts and memory {} of {} texts must be [rows, "
                    "features], packed, with "
                    "the same number of texts",
                    location(), to_string(q.shape()), segments.count(), to_string(memory.shape()),
                    memory_segments.count()));
  }
  Backend& on = q.backend();
  return located([&] {
    const Tensor asking = segments.padded_rows_on(on);       // [count, m]
    const Tensor seen = memory_segments.padded_rows_on(on);  // [count, n]
    const Tensor keys = gather(memory, seen);
    const Tensor y = attend(gather(q, asking), keys, keys, {.keys = seen != kNoRow});
    const TensorOptions whole{DType::i32, &on};
    const Tensor places =
        index_put(zeros({q.size(0)}, whole), flatten(asking), arange(asking.numel(), whole));
    return gather(flatten(y, 0, 1), places);
  });
}

Tensor MultiheadAttention::weights(const Tensor& q, const Tensor& k,
                                   const MaskOptions& options) const {
  Tensor weights;
  located([&] {  // not for those who watch: this is not what the module puts out
    weights = attention_weights(project_heads(q, 0), project_heads(k, 1), options_for(options));
  });
  return weights;
}

void MultiheadAttention::visit(Visitor& v) {
  v("in_proj_weight", in_proj_weight);
  v("in_proj_bias", in_proj_bias);
  v("out_proj", out_proj);
  v("score_weight", score_weight);
}

std::string MultiheadAttention::detail() const {
  return fmt::format("{} features, {} heads, {}", dim_, heads_, name_of(score_));
}

}  // namespace gradus::nn
