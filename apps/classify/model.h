// The model that the program trains and uses: a Classifier turns a batch of texts into logits.
// Config::encoder chooses between two: WordClassifier here, and NgramClassifier (ngram_model.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "apps/classify/config.h"
#include "apps/classify/encoders.h"
#include "data/batches.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/module.h"

namespace gradus::classify {

struct Output {
  Tensor logits;  // [texts, classes]
  // The logits of each branch; `logits` is their weighted sum. Each branch has its own loss.
  std::vector<Tensor> branches;
  Tensor weights;     // [elements, heads]: attention's weights; they add up to 1 over each text
  Elements elements;  // of all texts
};

class Classifier : public nn::Module {
 public:
  explicit Classifier(const Config& config) : config_(config) {}
  // Every text of the batch has at least one position.
  virtual Output operator()(const data::Batch& batch) const = 0;
  // The table of token vectors. Its gradients are row-sparse, and it has its own learning rate.
  virtual Tensor table() const = 0;
  const Config& config() const { return config_; }

  // Divides the logits before softmax makes them probabilities (data/calibration.h).
  double temperature = 1;

 private:
  Config config_;
};

std::unique_ptr<Classifier> make_classifier(const Config& config);

// Encoder -> attention -> decoder -> classes.
//
//   tokens [rows]  --encoder-->  elements [rows', dim]     one for each word, or for a few neighbours
//   state [texts, dim] = attention(a learned query over the text's elements)
//   state = state + attention(state over the elements)     for every hop after the first
//   logits [texts, classes] = decoder(state)               Linear, ReLU, Linear
//
// After the first hop the state is the query, so the next hop reads the text again, knowing what
// the first has found (Sukhbaatar et al., "End-to-end memory networks", 2015, section 2.2).
class WordClassifier : public Classifier {
 public:
  explicit WordClassifier(const Config& config);

  Output operator()(const data::Batch& batch) const override;
  Tensor table() const override { return encoder_->table(); }
  void visit(nn::Visitor& v) override;

 private:
  std::unique_ptr<Encoder> encoder_;
  nn::Attention attention_;
  nn::Linear wide_, classes_;
};

}  // namespace gradus::classify
