// A classifier of n-grams: every word, pair and triple of words that occurs at least twice in the
// training texts has its own vector, and attention weighs the positions of a text.
//
//   h_t = bias + the sum of the vectors of the n-grams that begin at t     [positions, size]
//   z   = what attention pools of a text's h (pooling.h)                    [texts, size]
//   logits = classes(z)
//
// Dropout applies to h and z. There is no nonlinearity between the table and the sum: each n-gram
// adds to the logits directly, times the weight of its position, so `gradus explain` can take the
// sum apart again. fastText is similar, with hashed n-grams and a plain average (Joulin et al.,
// "Bag of tricks for efficient text classification", 2017).
//
// With EncoderKind::wide_deep a second branch (deep_branch.h) reads the words in order, and its
// logits are added. Joined models (ensemble.h) have one each, and the mean of their logits is
// added. Each branch learns from its own loss: otherwise the faster one would leave the other
// nothing to learn. Cheng et al., "Wide & deep learning for recommender systems", 2016.
#pragma once

#include <vector>

#include "apps/classify/deep_branch.h"
#include "apps/classify/model.h"
#include "apps/classify/pooling.h"
#include "data/ngrams.h"
#include "nn/linear.h"

namespace gradus::classify {

class NgramClassifier : public Classifier {
 public:
  explicit NgramClassifier(const Config& config);

  // batch.tokens are n-gram numbers, in the bags of each position.
  Output operator()(const data::Batch& batch) const override;
  Tensor table() const override { return table_; }
  void visit(nn::Visitor& v) override;
  // What each entry of batch.tokens adds to the logits of its text, [entries, classes]; with the
  // logits of the deep branch and `base`, [texts, classes], which is the same for every text but
  // where there is a ReLU (Piece::linearity), they add up to the logits.
  struct Contributions {
    Tensor entries, base;
  };
  Contributions contributions(const data::Batch& batch, const Output& output) const;
  // Into the buffer that is saved with the weights.
  void set_ngrams(const data::Ngrams& ngrams);
  data::Ngrams ngrams() const;
  // Each deep branch begins with these; with its own random ones where they are undefined.
  void set_word_vectors(const Tensor& vectors);

 private:
  Tensor table_;  // [n-grams, size]
  Tensor keys_;   // i32 [n-grams, 3]: the words of each (data::Ngrams::Key)
  Tensor bias_;   // [size]
  Pooling pool_;
  nn::Linear classes_;
  std::vector<DeepBranch> deep_;  // none, or one of each member
};

}  // namespace gradus::classify
