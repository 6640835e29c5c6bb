// What makes a classifier of n-grams learn well besides its sizes. Each piece can be left out, to see what
// it is worth:
//
//   gradus train --data reviews --folds 5 --without ratios
//
// docs/accuracy.md has the table. A model trained without a piece is a model like any other: its file says
// what it does without.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace gradus::classify {

enum class Piece {
  attention,     // positions of a text weigh differently; without: the plain average
  keys,          // scores but dot compare a projection of a position, not what is summed up
  first_only,    // of an n-gram that a text has several times only the first counts
  linearity,     // an n-gram adds what it says to the logits; without: a ReLU over a position's sum
  twice,         // only words and n-grams that come twice in the texts are known
  punctuation,   // . , ! ? and other marks are words, too, which n-grams are made of
  ratios,        // an n-gram learns at a rate in proportion to what it says of the class
  decay,         // of the vectors that a step touches
  warm_up,       // the learning rate rises before it falls
  vectors,       // the deep branch begins with word vectors learned from the texts
  neighbours,    // it sees a word with two on either side
  word_dropout,  // in training it does without some words of a text
  parts,         // its attention and that of the n-grams beside it tell the parts of a text apart
  own_losses     // it learns from a loss of its own; without: from that of the sum
};
using Pieces = std::set<Piece>;

std::vector<std::string> piece_names();  // in the order above, as in --without first-only
const std::string& name_of(Piece piece);
// Throws Error for another name, listing the known ones.
Piece piece_named(const std::string& name);
// Of the deep branch alone: other encoders than wide-deep do not have it.
bool is_deep(Piece piece);

}  // namespace gradus::classify
