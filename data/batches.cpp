#include "data/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "data/shuffle.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

namespace {

constexpr std::int64_t kTextsAtOnce = 256;

std::vector<std::vector<std::int64_t>> plan(const EncodedTexts& texts,
                                            std::span<const std::int64_t> order,
                                            std::int64_t token_budget) {
  if (token_budget < 1) {
    throw Error(fmt::format("[plan_batches] a budget of {} tokens holds nothing", token_budget));
  }
  // offsets of a batch are 32 bits wide
  token_budget = std::min<std::int64_t>(token_budget, std::numeric_limits<std::int32_t>::max());
  std::vector<std::vector<std::int64_t>> batches;
  std::int64_t room = 0;
  for (const std::int64_t i : order) {
    const auto length = std::ssize(texts[i]);
    if (batches.empty() || length > room) {
      batches.emplace_back();
      room = token_budget;
    }
    batches.back().push_back(i);
    room -= length;
  }
  return batches;
}

std::vector<std::int64_t> in_order(const EncodedTexts& texts) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(texts.size()));
  std::iota(order.begin(), order.end(), 0);
  return order;
}

}  // namespace

std::span<const std::int32_t> EncodedTexts::operator[](std::int64_t i) const {
  const auto begin = static_cast<std::size_t>(offsets[static_cast<std::size_t>(i)]);
  const auto end = static_cast<std::size_t>(offsets[static_cast<std::size_t>(i) + 1]);
  return std::span(ids).subspan(begin, end - begin);
}

EncodedTexts encode(const Vocabulary& vocabulary, std::span<const Text> texts,
                    std::int64_t max_tokens) {
  std::vector<std::vector<std::int32_t>> parts(texts.size());
  parallel_for(std::ssize(texts), kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    Words words;
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      split_words(texts[i].text, words);
      parts[i] = vocabulary.encode(words);
      if (max_tokens > 0 && std::ssize(parts[i]) > max_tokens) {
        parts[i].resize(static_cast<std::size_t>(max_tokens));
      }
      if (parts[i].empty()) parts[i].push_back(kUnknown);
    }
  });
  EncodedTexts encoded;
  encoded.ids.reserve(
      std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                      [](std::size_t n, const auto& part) { return n + part.size(); }));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    encoded.ids.insert(encoded.ids.end(), parts[i].begin(), parts[i].end());
    encoded.offsets.push_back(std::ssize(encoded.ids));
    encoded.labels.push_back(texts[i].label);
  }
  return encoded;
}

std::vector<std::vector<std::int64_t>> plan_batches(const EncodedTexts& texts,
                                                    std::int64_t token_budget) {
  return plan(texts, in_order(texts), token_budget);
}

std::vector<std::vector<std::int64_t>> plan_batches(const EncodedTexts& texts,
                                                    std::int64_t token_budget, std::uint64_t seed,
                                                    std::int64_t epoch) {
  std::vector<std::int64_t> order = in_order(texts);
  shuffle<std::int64_t>(order, seed, kEpochStream + static_cast<std::uint64_t>(epoch));
  return plan(texts, order, token_budget);
}

Batch make_batch(const EncodedTexts& texts, std::span<const std::int64_t> members) {
  Batch batch;
  batch.offsets.push_back(0);
  for (const std::int64_t i : members) {
    const auto ids = texts[i];
    batch.tokens.insert(batch.tokens.end(), ids.begin(), ids.end());
    batch.offsets.push_back(static_cast<std::int32_t>(batch.tokens.size()));
    batch.labels.push_back(texts.labels[static_cast<std::size_t>(i)]);
    batch.index.push_back(i);
  }
  return batch;
}

}  // namespace gradus::data
