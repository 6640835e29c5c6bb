// The classifier: encoder -> attention -> decoder -> classes.
//
//   tokens [rows]  --encoder-->  elements [rows', dim]     one for each word, or for a few neighbours
//   state [texts, dim] = attention(a learned query over the text's elements)
//   state = state + attention(state over the elements)     for every hop after the first
//   logits [texts, classes] = decoder(state)               Linear, ReLU, Linear
//
// The attention layer weighs each element against the decoder's state, so that a second hop looks again
// with what the first has found (Sukhbaatar et al., "End-to-end memory networks", 2015, section 2.2).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "apps/classify/config.h"
#include "apps/classify/encoders.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/module.h"

namespace gradus::classify {

struct Output {
  Tensor logits;      // [texts, classes]
  Tensor weights;     // [elements]: what the last hop looked at; within a text they add up to 1
  Elements elements;  // of all texts
};

class Classifier : public nn::Module {
 public:
  explicit Classifier(const Config& config);

  // tokens [rows], the texts' word numbers one after another; every text has at least one.
  Output operator()(const std::vector<std::int32_t>& tokens, const Segments& texts) const;
  void visit(nn::Visitor& v) override;
  const Config& config() const { return config_; }

 private:
  Config config_;
  std::unique_ptr<Encoder> encoder_;
  nn::Attention attention_;
  nn::Linear wide_, classes_;
};

}  // namespace gradus::classify
