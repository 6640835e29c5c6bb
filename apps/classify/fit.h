// From a model with its first values to a trained one, or several in one (ensemble.h).
#pragma once

#include "apps/classify/commands.h"
#include "apps/classify/prepare.h"
#include "apps/classify/trainer.h"

namespace gradus::classify {

// Trains ready.saved.model. With options.ensemble above 1 it becomes that many models joined, each trained
// with a seed of its own and as its best epoch left it; listeners.epoch is called for the epochs of each,
// and for those joined so far with `row.models`: these are the ones to save. Where there are unlabelled
// texts, all models but the first learn from them, too: what the models before them say of a text is its
// label (Hinton et al., "Distilling the knowledge in a neural network", 2015; of unlabelled texts: Lee,
// "Pseudo-label", 2013).
Outcome fit(const TrainOptions& options, Prepared& ready, const Listeners& listeners);

}  // namespace gradus::classify
