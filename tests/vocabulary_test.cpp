#include "data/vocabulary.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"
#include "tensor/parallel.h"

using namespace gradus::data;
using Ids = std::vector<std::int32_t>;

TEST_CASE("the most frequent words come first, equals by spelling") {
  const std::vector<Text> texts{{"b a c", 0}, {"a b d a", 1}, {"B A e", 0}};
  // a 4, b 3, then c, d, e once each
  const auto v = Vocabulary::of_texts(texts, 4);
  CHECK(v.words() == std::vector<std::string>{"<unk>", "a", "b", "c", "d"});
  CHECK(v.size() == 5);
  CHECK(v.id("e") == kUnknown);
  CHECK(v.id("<unk>") == kUnknown);
  CHECK(v.word(2) == "b");
  CHECK(v.encode(split_words("A zebra, b!")) == Ids{1, 0, 0, 2, 0});
  CHECK(Vocabulary::of_texts(texts, 100).size() == 6);
  CHECK(Vocabulary::of_texts(texts, 100, 2).size() == 3);
  CHECK(Vocabulary::of_texts(texts, 0).size() == 1);
  CHECK(Vocabulary::of_texts({}, 10).size() == 1);
}

TEST_CASE("lists make the same vocabulary again") {
  const std::vector<Text> texts{{"一 部 电影 the film", 0}};
  const auto v = Vocabulary::of_texts(texts, 10);
  Vocabulary same(v.words());
  CHECK(same.words() == v.words());
  const Vocabulary copy = same;
  same = Vocabulary();  // the copy stands by itself
  CHECK(copy.id("电影") == v.id("电影"));
  CHECK(copy.id("电影") != kUnknown);
}

TEST_CASE("wrong lists and numbers are refused") {
  CHECK_THROWS_WITH_AS(Vocabulary({"a"}), "[Vocabulary] the first word must be <unk>",
                       gradus::Error);
  CHECK_THROWS_AS(Vocabulary(std::vector<std::string>{}), gradus::Error);
  CHECK_THROWS_WITH_AS(Vocabulary({"<unk>", "a", "a"}), "[Vocabulary] words 1 and 2 are both 'a'",
                       gradus::Error);
  CHECK_THROWS_AS(Vocabulary().word(1), gradus::IndexError);
  CHECK_THROWS_AS(Vocabulary().word(-1), gradus::IndexError);
  CHECK_THROWS_AS(Vocabulary::of_texts({}, -1), gradus::Error);
}

TEST_CASE("words too long to be words are left out") {
  const std::vector<Text> texts{{std::string(101, 'x') + " " + std::string(100, 'y'), 0}};
  CHECK(Vocabulary::of_texts(texts, 10).size() == 2);
}

TEST_CASE("the number of threads and the order of texts make no difference") {
  std::vector<Text> texts;
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (int k = 0; k < 8; ++k) text += fmt::format("w{} ", (i * 37 + k * k * 11) % 701);
    texts.push_back({text, 0});
  }
  const int before = gradus::num_threads();
  gradus::set_num_threads(1);
  const auto expected = Vocabulary::of_texts(texts, 300).words();
  CHECK(expected.size() == 301);
  for (const int threads : {2, 3, 8}) {
    gradus::set_num_threads(threads);
    CHECK(Vocabulary::of_texts(texts, 300).words() == expected);
  }
  gradus::set_num_threads(before);
  std::reverse(texts.begin(), texts.end());
  CHECK(Vocabulary::of_texts(texts, 300).words() == expected);
}
