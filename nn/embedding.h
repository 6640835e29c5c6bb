// Vectors for tokens, and for the places they stand at.
//
//   nn::Embedding embed(20000, 128);
//   Tensor x = embed(tokens);                               // i32 [rows] -> [rows, 128]
//   x = x + nn::sinusoidal_positions(texts, 128);           // places counted within each text
#pragma once

#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::nn {

struct EmbeddingOptions {
  double deviation = 1;  // of the normal distribution that the weight starts from
};

// A table with a learned row for each token. Its gradient is row-sparse (autograd/gradient.h): a
// step costs in proportion to the tokens of a batch, not to the size of the table.
class Embedding : public Module {
 public:
  Embedding(std::int64_t count, std::int64_t dim, EmbeddingOptions options = {});

  // tokens i32 of any shape -> [tokens..., dim]; -1 gives zeros and learns nothing (padding).
  // Throws IndexError for a token outside [-1, count).
  Tensor operator()(const Tensor& tokens) const;
  void visit(Visitor& v) override { v("weight", weight); }
  std::string detail() const override;

  Tensor weight;  // [count, dim]
};

// Row p holds sin(p w_i) at column 2i and cos(p w_i) at 2i + 1, with w_i = 10000^(-2i / dim):
// f32 [count, dim]. Vaswani et al., "Attention is all you need", 2017, section 3.5.
Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim,
                            Backend& backend = default_backend());
// The same for a packed batch: places start again from 0 in every segment. [rows, dim].
Tensor sinusoidal_positions(const Segments& segments, std::int64_t dim,
                            Backend& backend = default_backend());

}  // namespace gradus::nn
