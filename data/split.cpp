#include "data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "data/shuffle.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

CleanCounts clean(std::vector<Text>& texts) {
  const auto count = std::ssize(texts);
  std::vector<CleanCounts> counts(static_cast<std::size_t>(ceil_div(count, kTextsAtOnce)));
  parallel_for(count, kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::string& text = texts[static_cast<std::size_t>(i)].text;
      text = clean_text(text, &counts[static_cast<std::size_t>(begin / kTextsAtOnce)]);
    }
  });
  CleanCounts total;
  for (const CleanCounts& chunk : counts) total += chunk;
  return total;
}

CleanCounts clean(Dataset& dataset) {
  CleanCounts counts = clean(dataset.train);
  counts += clean(dataset.test);

  std::unordered_map<std::string_view, std::int32_t> seen;  // text -> label; views of `kept`
  seen.reserve(dataset.train.size());
  std::vector<Text> kept;
  kept.reserve(dataset.train.size());  // it never grows, so the views stay valid
  std::set<std::int32_t> classes;
  for (Text& text : dataset.train) {
    if (text.text.empty()) {
      ++counts.empty;
    } else if (const auto earlier = seen.find(text.text); earlier != seen.end()) {
      ++counts.duplicates;
      counts.conflicts += earlier->second != text.label ? 1 : 0;
    } else {
      classes.insert(text.label);
      kept.push_back(std::move(text));
      seen.emplace(kept.back().text, kept.back().label);
    }
  }
  dataset.train = std::move(kept);
  for (const Text& text : dataset.test) counts.test_repeats += seen.contains(text.text) ? 1 : 0;
  if (classes.size() < 2) {
    throw Error(
        fmt::format("[clean] {} texts of {} classes are left after dropping {} empty and {} "
                    "duplicate ones; at least two classes are needed",
                    dataset.train.size(), classes.size(), counts.empty, counts.duplicates));
  }
  return counts;
}

Split split_by(std::vector<Text> texts, const std::vector<bool>& held_out) {
  Split split;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    (held_out[i] ? split.held_out : split.train).push_back(std::move(texts[i]));
  }
  return split;
}

Split split_texts(Dataset dataset, double fraction, std::uint64_t seed) {
  if (!dataset.test.empty()) return {std::move(dataset.train), std::move(dataset.test)};
  if (!(fraction > 0 && fraction < 1)) {
    throw Error(fmt::format("[split_texts] the fraction held out is {}; it must be between 0 and 1",
                            fraction));
  }
  std::vector<std::int32_t> labels;
  for (const Text& text : dataset.train) labels.push_back(text.label);
  Split split = split_by(std::move(dataset.train), stratified(labels, fraction, seed));
  if (split.train.empty() || split.held_out.empty()) {
    throw Error(fmt::format("[split_texts] {} texts are too few to hold out {} of them",
                            labels.size(), fraction));
  }
  return split;
}

std::vector<bool> stratified(std::span<const std::int32_t> labels, double fraction,
                             std::uint64_t seed, int fold) {
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  shuffle<std::int64_t>(order, seed, kSplitStream);
  std::ranges::stable_sort(order, {},
                           [&](std::int64_t i) { return labels[static_cast<std::size_t>(i)]; });
  // Class after class, each shuffled, we hold out a text wherever q * fraction passes a whole
  // number: every 1 / fraction-th, evenly, so that each class and the whole get their share.
  const auto shares = [&](std::size_t q) {
    return std::floor(static_cast<double>(q) * fraction + 1e-9);
  };
  std::vector<bool> held_out(labels.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t q = i + static_cast<std::size_t>(fold);
    held_out[static_cast<std::size_t>(order[i])] = shares(q + 1) > shares(q);
  }
  return held_out;
}

}  // namespace gradus::data
