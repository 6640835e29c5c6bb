// What a classifier of n-grams misses: words that it has seldom seen, by their vectors, in their order.
//
//   d_t = ReLU(bias + W_-2 x_{t-2} + ... + W_2 x_{t+2})             [positions, hidden]
//   logits = classes(what attention pools of d)                    [texts, classes]
//
// x are the words' vectors; in training some words of a text are left out, zeros in their place (Iyyer et
// al., "Deep unordered composition rivals syntactic methods for text classification", 2015). That is a
// convolution five words wide, but a batch has far fewer different words than positions: each is
// multiplied by the five matrices once, and the products are added up where the word stands.
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
  static constexpr std::int64_t kWordSize = 128;  // numbers in a word's vector
  static constexpr std::int64_t kHidden = 256;    // of a position: the heads divide them

  explicit DeepBranch(const Config& config);
  // `words` of the texts, one behind another.
  Tensor operator()(const std::vector<std::int32_t>& words, const Segments& texts) const;
  void visit(nn::Visitor& v) override;

  nn::Embedding embed;

 private:
  std::int64_t width_;  // words that a position sees: 5, or as the configuration says
  double missing_;      // share of a text's words that a step in training does without
  nn::Linear around_;   // W_-2 ... W_2 one below the other
  Tensor bias_;         // [hidden]
  Pooling pool_;
  nn::Linear classes_;
};

}  // namespace gradus::classify
