// The pieces that make the n-gram classifiers learn well. Each can be left out to see what it adds:
//
//   gradus train --data reviews --folds 5 --without ratios
//
// docs/accuracy.md has the results. A model trained without a piece is a model like any other: its
// file says what is missing.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace gradus::classify {

enum class Piece {
  attention,     // positions of a text have different weights; without: the plain average
  keys,          // scores other than dot compare a projection of what is summed up, not that itself
  first_only,    // if a text has an n-gram several times, only the first counts
  linearity,     // n-grams add to the logits directly; without: a ReLU over a position's sum
  twice,         // only words and n-grams that occur at least twice in the texts are known
  punctuation,   // . , ! ? and other marks are words too, and so part of n-grams
  ratios,        // an n-gram's learning rate is in proportion to what it says about the class
  decay,         // weight decay of the vectors that a step touches
  warm_up,       // the learning rate rises before it falls
  vectors,       // the deep branch starts from word vectors learned from the texts
  neighbours,    // it sees each word with two on either side
  word_dropout,  // in training it does not see some words of a text
  parts,         // its attention, and that of the n-grams beside it, distinguishes parts of a text
  own_losses     // it learns from a loss of its own; without: from that of the sum
};
using Pieces = std::set<Piece>;

std::vector<std::string> piece_names();  // in the order above, as in --without first-only
const std::string& name_of(Piece piece);
// Throws Error for another name, listing the known ones.
Piece piece_named(const std::string& name);
// Whether the piece belongs to the deep branch, which only the wide-deep encoder has.
bool is_deep(Piece piece);

}  // namespace gradus::classify
