// One layer of a transformer's encoder or decoder (Vaswani et al., "Attention is all you need",
// 2017): self-attention; in a decoder, attention to an encoder's output for another text (the
// memory); then a feed-forward network on each row. Each part is added to its input.
//
//   nn::ModuleList<nn::TransformerEncoderLayer> layers(2, 128, 4);
//   for (const auto& layer : layers) x = layer(x, texts);            // packed [rows, 128]
//   for (const auto& layer : layers) y = layer(y, {.keys = real});   // dense [batch, time, 128]
//
//   nn::TransformerDecoderLayer decode(128, 4);
//   Tensor z = decode(words, outputs, x, texts);    // packed: words in `outputs`, memory x in `texts`
#pragma once

#include "autograd/ops.h"
#include "nn/attention.h"
#include "nn/normalization.h"

namespace gradus::nn {

struct TransformerOptions {
  std::int64_t hidden = 0;  // size of the feed-forward network; 0: 4 dim
  double dropout = 0.1;     // after attention, inside the feed-forward network and after it
  // Normalise before each part, which leaves an identity path from input to output and lets deep
  // stacks train without warm-up (Xiong et al., "On layer normalization in the transformer
  // architecture", 2020). `false`, PyTorch's default, normalises after it, as in 2017.
  bool norm_first = true;
  UnaryOp activation = UnaryOp::relu;  // or gelu, tanh, sigmoid
  Score score = Score::dot;
  bool rotary = false;  // self-attention rotates queries and keys by position (nn/positions.h)
};

// Parameters have the names and shapes of PyTorch's TransformerEncoderLayer.
class TransformerEncoderLayer : public Module {
 public:
  TransformerEncoderLayer(std::int64_t dim, std::int64_t heads, TransformerOptions options = {});

  Tensor operator()(const Tensor& x, const Segments& segments, bool causal = false) const;
  Tensor operator()(const Tensor& x, const MaskOptions& options = {}) const;
  void visit(Visitor& v) override;

  MultiheadAttention self_attn;
  Linear linear1, linear2;
  LayerNorm norm1, norm2;

 private:
  template <class Attend>
  Tensor run(const Tensor& x, Attend attend) const;

  double dropout_;
  bool norm_first_;
  UnaryOp activation_;
};

struct DecoderMasks {
  Tensor keys{}, mask{};                // for self-attention, as in MaskOptions
  Tensor memory_keys{}, memory_mask{};  // for attention to the memory
  bool causal = true;                   // self-attention sees only positions up to its own
};

// Parameters have the names and shapes of PyTorch's TransformerDecoderLayer.
class TransformerDecoderLayer : public Module {
 public:
  TransformerDecoderLayer(std::int64_t dim, std::int64_t heads, TransformerOptions options = {});

  // Packed: each segment of x [rows, dim] attends to the segment of the same number in memory
  // [other rows, dim] -> [rows, dim].
  Tensor operator()(const Tensor& x, const Segments& segments, const Tensor& memory,
                    const Segments& memory_segments, bool causal = true) const;
  // Dense: x [batch, m, dim], memory [batch, n, dim] -> [batch, m, dim].
  Tensor operator()(const Tensor& x, const Tensor& memory, const DecoderMasks& masks = {}) const;
  void visit(Visitor& v) override;

  MultiheadAttention self_attn, multihead_attn;  // the second attends to the memory
  Linear linear1, linear2;
  LayerNorm norm1, norm2, norm3;

 private:
  template <class Attend, class Look>
  Tensor run(const Tensor& x, Attend attend, Look look) const;

  double dropout_;
  bool norm_first_;
  UnaryOp activation_;
};

}  // namespace gradus::nn
