#include <doctest/doctest.h>

#include <algorithm>

#include "data/batches.h"
#include "tensor/error.h"

using namespace gradus::data;
using Ids = std::vector<std::int32_t>;

namespace {
// Texts of the given lengths; text i is made of the number i, its label is i % 2.
EncodedTexts of_lengths(const std::vector<int>& lengths) {
  EncodedTexts texts;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    texts.ids.insert(texts.ids.end(), static_cast<std::size_t>(lengths[i]),
                     static_cast<std::int32_t>(i));
    texts.offsets.push_back(std::ssize(texts.ids));
    texts.labels.push_back(static_cast<std::int32_t>(i % 2));
  }
  return texts;
}
}  // namespace

TEST_CASE("batches are filled up to the budget") {
  const EncodedTexts texts = of_lengths({3, 4, 4, 10, 1, 1, 7});
  // 3 + 4 = 7, the next 4 would make 11; 10 is above the budget: a batch of its own
  using Plan = std::vector<std::vector<std::int64_t>>;
  CHECK(plan_batches(texts, 8) == Plan{{0, 1}, {2}, {3}, {4, 5}, {6}});
  CHECK(plan_batches(texts, 1000) == Plan{{0, 1, 2, 3, 4, 5, 6}});
  CHECK(plan_batches(texts, 1).size() == 7);
  CHECK(plan_batches(EncodedTexts{}, 8).empty());
  CHECK_THROWS_AS(plan_batches(texts, 0), gradus::Error);

  const Batch batch = make_batch(texts, std::vector<std::int64_t>{4, 0, 5});
  CHECK(batch.tokens == Ids{4, 0, 0, 0, 5});
  CHECK(batch.offsets == Ids{0, 1, 4, 5});
  CHECK(batch.labels == Ids{0, 0, 1});
  CHECK(batch.index == std::vector<std::int64_t>{4, 0, 5});
}

TEST_CASE("batches made ahead are those of the plan") {
  const EncodedTexts texts = of_lengths({3, 4, 4, 10, 1, 1, 7});
  const auto plan = plan_batches(texts, 8, 1, 0);
  auto batches = make_batches(texts, plan);
  for (const auto& members : plan) {
    const auto batch = batches.next();
    REQUIRE(batch);
    const Batch expected = make_batch(texts, members);
    CHECK(batch->tokens == expected.tokens);
    CHECK(batch->offsets == expected.offsets);
    CHECK(batch->labels == expected.labels);
    CHECK(batch->index == members);
  }
  CHECK(!batches.next());
}

TEST_CASE("every epoch has every text once, in another order") {
  std::vector<int> lengths;
  lengths.reserve(1000);
  for (int i = 0; i < 1000; ++i) lengths.push_back(1 + i * 7919 % 300);
  const EncodedTexts texts = of_lengths(lengths);
  const auto flat = [&](std::uint64_t seed, std::int64_t epoch) {
    std::vector<std::int64_t> order;
    for (const auto& members : plan_batches(texts, 512, seed, epoch)) {
      const Batch batch = make_batch(texts, members);
      CHECK(batch.tokens.size() <= 512);
      CHECK(batch.offsets.back() == std::ssize(batch.tokens));
      order.insert(order.end(), members.begin(), members.end());
    }
    return order;
  };
  const auto first = flat(1, 0);
  auto sorted = first;
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t i = 0; i < 1000; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
  CHECK(sorted.size() == 1000);
  CHECK(first != sorted);
  CHECK(flat(1, 0) == first);
  CHECK(flat(1, 1) != first);
  CHECK(flat(2, 0) != first);
}

TEST_CASE("batches of bags: any number of tokens at a position") {
  EncodedTexts texts;  // positions hold {7, 8} and nothing; {9}
  texts.ids = {7, 8, 9};
  texts.offsets = {0, 2, 3};
  texts.labels = {0, 1};
  texts.bags = {2, 0, 1};
  texts.words = {5, 0, 6};
  texts.starts = {0, 2, 3};
  const Batch batch = make_batch(texts, std::vector<std::int64_t>{1, 0});
  CHECK(batch.tokens == Ids{9, 7, 8});
  CHECK(batch.offsets == Ids{0, 1, 3});
  CHECK(batch.bags == Ids{0, 1, 3, 3});
  CHECK(batch.words == Ids{6, 5, 0});
  using Plan = std::vector<std::vector<std::int64_t>>;
  CHECK(plan_batches(texts, 2) == Plan{{0}, {1}});  // the budget is one of positions
}
