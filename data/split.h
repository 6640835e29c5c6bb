// From a data set as read to texts for training and texts held out:
//
//   Dataset dataset = read_dataset(path);
//   CleanCounts counts = clean(dataset);             // print to_string(counts)
//   Split split = split_texts(std::move(dataset), 0.2, seed);
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/clean.h"
#include "data/dataset.h"

namespace gradus::data {

// Cleans every text on all cores (data/clean.h).
CleanCounts clean(std::vector<Text>& texts);

// The same, of both parts; then drops from `train` the empty ones and those that equal an
// earlier one (whatever their label), so that no text can be on both sides of a split. The data's
// own test split keeps all its texts, so that results on it compare with those of others; those
// that also occur in training are counted. Throws Error if fewer than two classes are left to train
// on.
CleanCounts clean(Dataset& dataset);

struct Split {
  std::vector<Text> train;
  std::vector<Text> held_out;
};

// The texts for which held_out[i] is set, and the others; order is kept.
Split split_by(std::vector<Text> texts, const std::vector<bool>& held_out);

// The data's own test split if it has one; else `fraction` of every class, chosen by the seed, is
// held out. Order is kept. Throws Error unless 0 < fraction < 1 and both sides get a text.
Split split_texts(Dataset dataset, double fraction, std::uint64_t seed);

// Which texts are held out: a fraction of each class, to within one text, and of the whole, to
// within one. Folds 0 .. k - 1 with the fraction 1 / k hold out every text exactly once
// (cross-validation).
std::vector<bool> stratified(std::span<const std::int32_t> labels, double fraction,
                             std::uint64_t seed, int fold = 0);

}  // namespace gradus::data
