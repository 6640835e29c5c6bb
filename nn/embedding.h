// A learned vector for each token.
//
//   nn::Embedding embed(20000, 128);
//   Tensor x = embed(tokens);                               // i32 [rows] -> [rows, 128]
#pragma once

#include "nn/module.h"

namespace gradus::nn {

struct EmbeddingOptions {
  double deviation = 1;  // the weight starts normal with this standard deviation
};

// A table with one row per token. Its gradient is row-sparse (autograd/gradient.h), so a step costs
// in proportion to the tokens of a batch, not to the size of the table.
class Embedding : public Module {
 public:
  Embedding(std::int64_t count, std::int64_t dim, EmbeddingOptions options = {});

  // tokens i32 of any shape -> [tokens..., dim]; -1 (padding) gives zeros and gets no gradient.
  // Throws IndexError for a token outside [-1, count).
  Tensor operator()(const Tensor& tokens) const;
  void visit(Visitor& v) override { v("weight", weight); }
  std::string detail() const override;

  Tensor weight;  // [count, dim]
};

}  // namespace gradus::nn
