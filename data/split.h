// Cleans a data set and splits it into texts for training and held-out texts:
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

// Cleans both parts, then drops from `train` empty texts and those that equal an earlier one
// (whatever their label), so that no text is on both sides of a split. The data's own test split
// keeps all its texts, so that results on it are comparable with published ones; texts that also
// occur in training are counted. Throws Error if fewer than two classes are left to train on.
CleanCounts clean(Dataset& dataset);

struct Split {
  std::vector<Text> train;
  std::vector<Text> held_out;
};

// Splits by held_out[i]. Keeps the order.
Split split_by(std::vector<Text> texts, const std::vector<bool>& held_out);

// Holds out the data's own test split if it has one, otherwise `fraction` of every class, chosen by
// the seed. Keeps the order. Throws Error unless 0 < fraction < 1 and both sides get a text.
Split split_texts(Dataset dataset, double fraction, std::uint64_t seed);

// Which texts to hold out: a fraction of each class and of the whole, each to within one text. For
// cross-validation, folds 0 .. k - 1 with fraction 1 / k hold out every text exactly once.
std::vector<bool> stratified(std::span<const std::int32_t> labels, double fraction,
                             std::uint64_t seed, int fold = 0);

}  // namespace gradus::data
