#include "data/class_ratios.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

namespace gradus::data {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// The labels of the texts that have each token: those of token i at [begins[i], begins[i + 1]).
struct Occurrences {
  std::vector<std::int64_t> begins;
  std::vector<std::int32_t> labels;

  Occurrences(const EncodedTexts& texts, std::int64_t tokens) : begins(at(tokens) + 1) {
    for_each(texts, tokens, [&](std::int32_t token, std::int32_t) { ++begins[at(token) + 1]; });
    for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    labels.resize(at(begins.back()));
    std::vector<std::int64_t> next(begins.begin(), begins.end() - 1);
    for_each(texts, tokens, [&](std::int32_t token, std::int32_t label) {
      labels[at(next[at(token)]++)] = label;
    });
  }

  // each(token, label), once a text.
  template <class Each>
  static void for_each(const EncodedTexts& texts, std::int64_t tokens, const Each& each) {
    std::vector<std::int64_t> last(at(tokens), -1);  // text that had the token
    for (std::int64_t i = 0; i < texts.size(); ++i) {
      for (const std::int32_t token : texts[i]) {
        if (std::exchange(last[at(token)], i) != i) each(token, texts.labels[at(i)]);
      }
    }
  }
};

}  // namespace

std::vector<float> class_ratios(const EncodedTexts& texts, std::int64_t tokens,
                                std::int64_t classes) {
  const Occurrences found(texts, tokens);
  const double all = static_cast<double>(found.labels.size() + 2 * at(tokens));
  std::vector<double> sums(at(classes), static_cast<double>(tokens));  // of n + 1
  for (const std::int32_t label : found.labels) ++sums[at(label)];
  std::vector<std::size_t> rising(at(classes));  // classes by their sums
  std::iota(rising.begin(), rising.end(), 0);
  std::ranges::stable_sort(rising, {}, [&](std::size_t c) { return sums[c]; });

  std::vector<float> ratios(at(tokens));
  std::vector<double> counts(at(classes));                      // n of one token
  std::vector<std::size_t> seen(at(classes), std::size_t(-1));  // the last token of each class
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const std::span labels =
        std::span(found.labels)
            .subspan(at(found.begins[i]), at(found.begins[i + 1] - found.begins[i]));
    const auto total = static_cast<double>(labels.size());
    double largest = 0;
    const auto look_at = [&](std::size_t c) {
      const double n = counts[c];
      largest = std::max(largest, std::abs(std::log((n + 1) / sums[c]) -
                                           std::log((total - n + 1) / (all - sums[c]))));
    };
    for (const std::int32_t label : labels) ++counts[at(label)];
    for (const std::int32_t label : labels) {
      if (std::exchange(seen[at(label)], i) != i) look_at(at(label));
    }
    // Of the classes that never have it, r falls as the sum rises: one of the ends is the largest.
    const auto never = [&](std::size_t c) { return counts[c] == 0; };
    const auto first = std::find_if(rising.begin(), rising.end(), never);
    if (first != rising.end()) {
      look_at(*first);
      look_at(*std::find_if(rising.rbegin(), rising.rend(), never));
    }
    for (const std::int32_t label : labels) counts[at(label)] = 0;
    ratios[i] = static_cast<float>(largest);
  }
  return ratios;
}

}  // namespace gradus::data
