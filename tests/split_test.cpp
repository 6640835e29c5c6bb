#include "data/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "data/shuffle.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

using namespace gradus::data;

namespace {
Dataset numbered(int texts, int classes) {
  Dataset dataset;
  for (int i = 0; i < texts; ++i)
    dataset.train.push_back({"text " + std::to_string(i), i % classes});
  for (int c = 0; c < classes; ++c) dataset.labels.push_back("class " + std::to_string(c));
  return dataset;
}
}  // namespace

TEST_CASE("clean drops empty and duplicate texts and counts them") {
  Dataset d;
  d.labels = {"a", "b"};
  d.train = {{"one<br/>two", 0}, {" one  two ", 0}, {"<p>", 1}, {"three", 1}, {"one two", 1}};
  d.test = {{"three", 1}, {"", 0}, {"three ", 1}, {"new", 0}};
  const CleanCounts counts = clean(d);
  CHECK(d.train == std::vector<Text>{{"one two", 0}, {"three", 1}});
  CHECK(d.test == std::vector<Text>{{"three", 1}, {"", 0}, {"three", 1}, {"new", 0}});
  CHECK(counts.texts == 9);
  CHECK(counts.empty == 1);
  CHECK(counts.duplicates == 2);
  CHECK(counts.conflicts == 1);
  CHECK(counts.test_repeats == 2);
  CHECK(counts.tags == 2);
}

TEST_CASE("clean refuses what leaves fewer than two classes") {
  Dataset d;
  d.labels = {"a", "b"};
  d.train = {{"x", 0}, {"y", 0}, {"<br>", 1}};
  CHECK_THROWS_WITH_AS(
      clean(d),
      "[clean] 2 texts of 1 classes are left after dropping 1 empty and 0 duplicate "
      "ones; at least two classes are needed",
      gradus::Error);
}

TEST_CASE("a split has no duplicate on both sides and keeps every other text") {
  Dataset d = numbered(1000, 3);
  for (int i = 0; i < 500; ++i) d.train.push_back({"  text  " + std::to_string(i), i % 2});
  clean(d);
  CHECK(d.train.size() == 1000);
  const Split split = split_texts(d, 0.2, 7);
  CHECK(split.train.size() == 800);
  CHECK(split.held_out.size() == 200);
  std::set<std::string> all;
  for (const Text& text : split.train) all.insert(text.text);
  for (const Text& text : split.held_out) CHECK(all.insert(text.text).second);
  CHECK(all.size() == 1000);
}

TEST_CASE("a split is stratified") {
  // 90 texts of class 0, 10 of class 1: a fifth of each is 18 and 2.
  std::vector<std::int32_t> labels(100, 0);
  for (std::size_t i = 0; i < 10; ++i) labels[i * 10] = 1;
  const auto held_out = stratified(labels, 0.2, 3);
  int of[2] = {0, 0};
  for (std::size_t i = 0; i < 100; ++i) of[labels[i]] += held_out[i];
  CHECK(of[0] == 18);
  CHECK(of[1] == 2);
  // Classes of three texts each: none has a share of a whole text, together they still get a fifth.
  std::vector<std::int32_t> small(300);
  for (std::size_t i = 0; i < 300; ++i) small[i] = static_cast<std::int32_t>(i / 3);
  const auto of_small = stratified(small, 0.2, 3);
  CHECK(std::count(of_small.begin(), of_small.end(), true) == 60);
}

TEST_CASE("the seed decides the split, the number of threads does not") {
  const auto held_out = [](std::uint64_t seed) {
    Dataset d = numbered(2000, 2);
    clean(d);
    return split_texts(std::move(d), 0.2, seed).held_out;
  };
  const auto expected = held_out(1);
  CHECK(held_out(1) == expected);
  CHECK(held_out(2) != expected);
  const int before = gradus::num_threads();
  for (const int threads : {1, 3}) {
    gradus::set_num_threads(threads);
    CHECK(held_out(1) == expected);
  }
  gradus::set_num_threads(before);
}

TEST_CASE("k folds hold out every text once") {
  std::vector<std::int32_t> labels;
  labels.reserve(1003);
  for (int i = 0; i < 1003; ++i) labels.push_back(i % 7);
  for (const int k : {2, 3, 5, 10}) {
    std::vector<int> times(labels.size());
    for (int fold = 0; fold < k; ++fold) {
      const auto held_out = stratified(labels, 1.0 / k, 11, fold);
      for (std::size_t i = 0; i < labels.size(); ++i) times[i] += held_out[i];
    }
    CHECK(std::count(times.begin(), times.end(), 1) == 1003);
  }
}

TEST_CASE("the data's own test split is used") {
  Dataset d = numbered(10, 2);
  d.test = {{"text 1", 1}, {"other", 0}};
  const Split split = split_texts(d, 0.2, 1);
  CHECK(split.train == d.train);
  CHECK(split.held_out == d.test);
}

TEST_CASE("splits that leave nothing are refused") {
  for (const double fraction : {0.0, 1.0, -0.5, 2.0, std::nan("")}) {
    CHECK_THROWS_AS(split_texts(numbered(10, 2), fraction, 1), gradus::Error);
  }
  CHECK_THROWS_WITH_AS(split_texts(numbered(3, 2), 0.2, 1),
                       "[split_texts] 3 texts are too few to hold out 0.2 of them", gradus::Error);
}

TEST_CASE("shuffle gives every order, the same for one seed") {
  std::vector<int> counts(6);
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    std::vector<int> v{0, 1, 2};
    shuffle<int>(v, seed, kSplitStream);
    ++counts[static_cast<std::size_t>(v[0]) * 2 + (v[1] > v[2] ? 1 : 0)];
  }
  // Each of the 6 orders 1000 times, standard deviation sqrt(6000 * 1/6 * 5/6) = 29: within 5 of
  // them.
  for (const int count : counts) CHECK(std::abs(count - 1000) < 145);
}

TEST_CASE("shuffle gives this very order everywhere") {
  std::vector<int> v{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  shuffle<int>(v, 42, 1);
  // Worked out by a second implementation, in Python.
  CHECK(v == std::vector<int>{4, 9, 0, 1, 7, 3, 2, 6, 8, 5});
}
