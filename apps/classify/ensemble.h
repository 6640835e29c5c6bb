// Several models as one. Trained from other first values and in another order, models err on other texts,
// and the mean of their logits errs less (Hansen and Salamon, "Neural network ensembles", 1990).
//
//   std::unique_ptr<NgramClassifier> all = join({&first, &second});
//
// Models of n-grams need no machinery for that: beside one another they are one model, as many times as
// wide. Its vectors are theirs end to end, with each model's queries and classes over its own part and
// zeros elsewhere, so that its logits are the mean of theirs, and all that works on one model works on it.
// Deep branches are kept as they are, one of each.
#pragma once

#include <memory>
#include <vector>

#include "apps/classify/ngram_model.h"

namespace gradus::classify {

// All of the same configuration and n-grams, each a single one, with dot-product attention: other scores
// compare whole vectors. Throws Error otherwise.
std::unique_ptr<NgramClassifier> join(const std::vector<const NgramClassifier*>& models);

}  // namespace gradus::classify
