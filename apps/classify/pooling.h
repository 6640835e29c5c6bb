// Attention with learned queries: what a text is made of becomes one vector.
//
//   w = softmax over a text's positions of score(query_head, k_t) + b_p(t)  [positions, heads]
//   z = for each head its own part of the features of sum_t w_t h_t        [texts, size]
//
// By dot product the keys k are h, all of it: a query is as wide as h, not as its head's part. The other
// scores compare a projection of h: what matters for the score must not matter for the sum, or Euclidean
// attention, which turns down long vectors, turns down those that say most. p(t) says in which of the
// equal parts of its text a position is: where a thing is said can matter as much as what it is, as a
// review's last words do. The queries and b start at zero: attention begins as the plain average.
#pragma once

#include <optional>

#include "apps/classify/config.h"
#include "autograd/attention.h"
#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::classify {

class Pooling : public nn::Module {
 public:
  // Of h [positions, size]. Score, key_size and parts are those of the configuration.
  Pooling(std::int64_t size, std::int64_t heads, const Config& config);

  struct Pooled {
    Tensor z;        // [texts, size]
    Tensor weights;  // [positions, heads]
  };
  Pooled operator()(const Tensor& h, const Segments& texts) const;
  void visit(nn::Visitor& v) override;

 private:
  std::int64_t heads_;
  std::optional<Score> score_;  // nothing: all positions weigh the same, but for their parts
  Tensor keys_;                 // [key_size, size]; undefined where k is h
  Tensor queries_;              // [heads, key_size]; it and the scale are undefined without a score
  Tensor scale_;                // [1]: how sharply attention chooses
  Tensor score_weight_;         // [key_size], for the additive score
  Tensor parts_;                // [parts, heads]: b over kPartScale; undefined without parts
};

}  // namespace gradus::classify
