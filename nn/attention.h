// Attention with learned projections. autograd/attention.h has the operation itself and the scores
// to choose from: dot, euclidean, additive.
//
// Attention pools: it turns each text of a packed batch into one vector, an average of the text's
// rows weighted by how well they match a query, which is learned or given for each text.
//
//   nn::Attention attend(128, {.score = Score::euclidean, .size = 64});
//   Tensor context = attend(x, texts);              // x [rows, 128] -> [texts, 128]
//   auto [next, weights] = attend.pool(x, texts, context);   // weights [rows, heads]
//
// MultiheadAttention mixes: every row becomes an average over the rows that it sees.
//
//   nn::MultiheadAttention mix(128, 4);
//   Tensor y = mix(x, texts);                       // packed [rows, 128] -> [rows, 128]
//   Tensor z = mix(padded, {.keys = real});         // dense [batch, time, 128], keys [batch, time]
#pragma once

#include "autograd/attention.h"
#include "nn/linear.h"

namespace gradus::nn {

struct AttentionPoolingOptions {
  Score score = Score::dot;
  std::int64_t size = 0;       // of projected queries and keys, over all heads; 0: dim
  std::int64_t heads = 1;      // each pools its own dim / heads features
  std::int64_t query_dim = 0;  // features of a query; 0: dim
  bool value = false;          // pool a learned projection of the rows instead of the rows
};

class Attention : public Module {
 public:
  // Throws ShapeError unless heads divides both dim and size.
  explicit Attention(std::int64_t dim, AttentionPoolingOptions options = {});

  struct Pooled {
    Tensor context;  // [count, dim]
    Tensor weights;  // [rows, heads]; they add up to 1 over each segment
  };
  // x [rows, dim]; asked [count, query_dim], or undefined for the learned query.
  Pooled pool(const Tensor& x, const Segments& segments, const Tensor& asked = {}) const;
  Tensor operator()(const Tensor& x, const Segments& segments, const Tensor& asked = {}) const {
    return pool(x, segments, asked).context;
  }
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor query;  // [1, query_dim]
  Linear q_proj, k_proj;
  std::vector<Linear> v_proj;  // one, or none
  Tensor score_weight;         // [size / heads], for the additive score

 private:
  Score score_;
  std::int64_t heads_;
};

struct MultiheadAttentionOptions {
  Score score = Score::dot;
  bool bias = true;
  double dropout = 0;   // of the weights, in training mode
  bool rotary = false;  // rotates queries and keys by their positions (nn/positions.h)
};

// Which keys a query may see, for dense batches. In PyTorch's MultiheadAttention true hides a key.
struct MaskOptions {
  // Boolean [batch, keys], true for real keys, false for padding. Undefined: all are real.
  Tensor keys{};
  // Boolean, true where a query may see a key: [queries, keys], [batch, queries, keys] or
  // [batch, heads, queries, keys] (sizes of 1 broadcast). Undefined: everywhere.
  Tensor mask{};
  bool causal = false;  // a query sees keys up to its own position only
};

// Parameters have PyTorch's names, shapes and initial values.
class MultiheadAttention : public Module {
 public:
  // Throws ShapeError unless heads divides dim, Error unless 0 <= dropout < 1.
  MultiheadAttention(std::int64_t dim, std::int64_t heads, MultiheadAttentionOptions options = {});

  // Packed self-attention, within each segment: [rows, dim] -> [rows, dim].
  Tensor operator()(const Tensor& x, const Segments& segments, bool causal = false) const;
  // Dense self-attention: [batch, time, dim] -> the same.
  Tensor operator()(const Tensor& x, const MaskOptions& options = {}) const;
  // Dense: q [batch, m, dim] attends to k and v [batch, n, dim] -> [batch, m, dim].
  Tensor operator()(const Tensor& q, const Tensor& k, const Tensor& v,
                    const MaskOptions& options = {}) const;
  // Packed: each segment of q [rows, dim] attends to the segment of the same number in memory.
  Tensor operator()(const Tensor& q, const Segments& segments, const Tensor& memory,
                    const Segments& memory_segments) const;
  // The attention weights: [batch, heads, m, n], each row adding up to 1.
  Tensor weights(const Tensor& q, const Tensor& k, const MaskOptions& options = {}) const;
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor in_proj_weight;  // [3 dim, dim]: rows for queries, then keys, then values
  Tensor in_proj_bias;    // [3 dim], or undefined
  Linear out_proj;
  Tensor score_weight;  // [dim / heads], for the additive score

 private:
  Tensor project(const Tensor& x, int part) const;
  Tensor project_packed(const Tensor& x, const Segments& segments, int part) const;
  Tensor project_heads(const Tensor& x, int part) const;
  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const MaskOptions& how) const;
  AttentionOptions options_for(const MaskOptions& mask) const;

  std::int64_t dim_, heads_;
  Score score_;
  double dropout_;
  bool rotary_;
};

}  // namespace gradus::nn
