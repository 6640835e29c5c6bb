// Attention with learned queries: what a text is made of becomes one vector.
//
//   w = softmax over a text's positions of score(query_head, h_t)          [positions, heads]
//   z = for each head its own part of the features of sum_t w_t h_t        [texts, size]
//
// A query is as wide as h, not as its head's part. The queries start at zero: attention begins as the
// plain average.
#pragma once

#include "autograd/attention.h"
#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::classify {

class Pooling : public nn::Module {
 public:
  Pooling(std::int64_t size, std::int64_t heads, Score score);

  struct Pooled {
    Tensor z;        // [texts, size]
    Tensor weights;  // [positions, heads]
  };
  Pooled operator()(const Tensor& h, const Segments& texts) const;
  void visit(nn::Visitor& v) override;

 private:
  Score score_;
  Tensor queries_;       // [heads, size]
  Tensor scale_;         // [1]: how sharply attention chooses
  Tensor score_weight_;  // [size], for the additive score
};

}  // namespace gradus::classify
