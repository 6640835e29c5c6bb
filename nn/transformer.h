// One layer of a transformer's encoder (Vaswani et al., "Attention is all you need", 2017): self-
// attention, then a feed-forward network on each row, each added to what it was given.
//
//   nn::ModuleList<nn::TransformerEncoderLayer> layers(2, 128, 4);
//   for (const auto& layer : layers) x = layer(x, texts);            // packed [rows, 128]
//   for (const auto& layer : layers) y = layer(y, {.mask = real});   // dense [batch, time, 128]
#pragma once

#include "autograd/ops.h"
#include "nn/attention.h"
#include "nn/normalization.h"

namespace gradus::nn {

struct TransformerOptions {
  std::int64_t hidden = 0;  // size of the feed-forward network; 0: 4 dim
  double dropout = 0.1;     // after attention, inside the feed-forward network and after it
  // Normalise before each half, so that an identity path leads from input to output and deep stacks
  // train without warm-up (Xiong et al., "On layer normalization in the transformer architecture",
  // 2020); or after it, as in the paper of 2017.
  bool norm_first = true;
  UnaryOp activation = UnaryOp::relu;  // or gelu, tanh, sigmoid
  Score score = Score::dot;
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

}  // namespace gradus::nn
