// Vectors for words from the company they keep: continuous bag of words (Mikolov et al., "Efficient
// estimation of word representations in vector space", 2013). The mean of the vectors around a word should
// tell it from words drawn at random:
//
//   Tensor vectors = train_word_vectors(texts, vocabulary.size(), {.passes = 4});   // [words, 128]
//
// Labels are not looked at, so unlabelled texts serve as well. A step takes thousands of words at once
// and compares them all with the same few hundred drawn ones, which makes it a product of matrices; the
// loss is the softmax over the word itself and these (van den Oord et al., "Representation learning with
// contrastive predictive coding", 2018, section 2.3): a vector need not know how frequent its word is.
#pragma once

#include <cstdint>
#include <functional>

#include "data/encode.h"
#include "tensor/tensor.h"

namespace gradus::classify {

struct WordVectorOptions {
  std::int64_t dim = 128;
  std::int64_t window = 6;    // words on either side
  std::int64_t drawn = 256;   // words that a step's words are compared with
  std::int64_t passes = 4;    // over the texts
  double frequent = 1e-4;     // words above this share of the text are thinned out (section 2.3 of
                              // Mikolov et al., "Distributed representations of words", 2013)
  std::int64_t batch = 8192;  // words in a step
  double lr = 2e-2;
  std::uint64_t seed = 1;
};

// `step(done, loss)` is called after each step, done in [0, 1]; false from it ends training there.
// Texts are word numbers, kUnknown left out.
Tensor train_word_vectors(const data::EncodedTexts& texts, std::int64_t words,
                          const WordVectorOptions& options = {},
                          const std::function<bool(double done, double loss)>& step = {});

}  // namespace gradus::classify
