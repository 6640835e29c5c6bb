// What a classifier of n-grams misses: words that it has seldom seen, by their vectors, in their order.
//
//   d_t = ReLU(bias + W_-1 x_{t-1} + W_0 x_t + W_1 x_{t+1})        [positions, hidden]
//   logits = classes(what attention pools of d)                    [texts, classes]
//
// x are the words' vectors, with numbers dropped in training. That is a convolution three words wide, but
// a batch has far fewer different words than positions: each is multiplied by the three matrices once, and
// the products are added up where the word stands.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/classify/config.h"
#include "apps/classify/pooling.h"
#include "nn/embedding.h"
#include "nn/linear.h"

namespace gradus::classify {

class DeepBranch : public nn::Module {
 public:
  static constexpr std::int64_t kAround = 3;      // words that a position sees
  static constexpr std::int64_t kWordSize = 128;  // numbers in a word's vector

  explicit DeepBranch(const Config& config);
  // `words` of the texts, one behind another.
  Tensor operator()(const std::vector<std::int32_t>& words, const Segments& texts) const;
  void visit(nn::Visitor& v) override;

  nn::Embedding embed;

 private:
  nn::Linear around_;  // W_-1, W_0, W_1 one below the other
  Tensor bias_;        // [hidden]
  Pooling pool_;
  nn::Linear classes_;
};

}  // namespace gradus::classify
