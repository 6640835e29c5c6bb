#include "data/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

#include "data/shuffle.h"
#include "tensor/error.h"

namespace gradus::data {

namespace {

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
    const std::int64_t length = texts.length(i);
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
  std::size_t tokens = 0;
  for (const std::int64_t i : members) tokens += texts[i].size();
  batch.tokens.reserve(tokens);
  batch.offsets.push_back(0);
  for (const std::int64_t i : members) {
    const auto ids = texts[i];
    batch.tokens.insert(batch.tokens.end(), ids.begin(), ids.end());
    batch.offsets.push_back(batch.offsets.back() + static_cast<std::int32_t>(texts.length(i)));
    if (!texts.bags.empty()) {
      if (batch.bags.empty()) batch.bags.push_back(0);
      const auto words = texts.words_of(i);
      batch.words.insert(batch.words.end(), words.begin(), words.end());
      for (const std::int32_t size : texts.bags_of(i)) {
        batch.bags.push_back(batch.bags.back() + size);
      }
    }
    batch.labels.push_back(texts.labels[static_cast<std::size_t>(i)]);
    batch.index.push_back(i);
  }
  return batch;
}

Ahead<Batch> make_batches(const EncodedTexts& texts, std::vector<std::vector<std::int64_t>> plan) {
  return Ahead<Batch>(
      [&texts, plan = std::move(plan), i = std::size_t{0}]() mutable -> std::optional<Batch> {
        if (i == plan.size()) return std::nullopt;
        return make_batch(texts, plan[i++]);
      });
}

}  // namespace gradus::data
