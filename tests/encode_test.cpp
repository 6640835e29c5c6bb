#include "data/encode.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tensor/error.h"
#include "tensor/parallel.h"

using namespace gradus::data;
using Ids = std::vector<std::int32_t>;

TEST_CASE("texts become numbers, none of them empty") {
  const Vocabulary v({"<unk>", "a", "b"});
  const std::vector<Text> texts{{"a b", 1}, {"", 0}, {"- -", 1}, {"b what a", 0}};
  const EncodedTexts encoded = encode(v, texts);
  CHECK(encoded.ids == Ids{1, 2, 0, 0, 2, 0, 1});
  CHECK(encoded.offsets == std::vector<std::int64_t>{0, 2, 3, 4, 7});
  CHECK(encoded.labels == Ids{1, 0, 1, 0});
  CHECK(encoded.size() == 4);
  CHECK(Ids(encoded[3].begin(), encoded[3].end()) == Ids{2, 0, 1});
  CHECK(encode(v, {}).size() == 0);
}

TEST_CASE("encoding does not depend on the number of threads") {
  std::vector<Text> texts;
  texts.reserve(3000);
  for (int i = 0; i < 3000; ++i) texts.push_back({fmt::format("w{} x y", i % 50), i % 3});
  const auto v = Vocabulary::of_texts(texts, 30);
  const int before = gradus::num_threads();
  gradus::set_num_threads(1);
  const Ids expected = encode(v, texts).ids;
  gradus::set_num_threads(4);
  CHECK(encode(v, texts).ids == expected);
  gradus::set_num_threads(before);
}

TEST_CASE("a vocabulary and its texts in one pass are those of two") {
  // 2000 texts, so several chunks: frequent and rare words, empty texts, bytes that are not UTF-8, words
  // too long to be words.
  std::vector<Text> texts;
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int k = 0; k < i % 23; ++k) {
      text += fmt::format("W{} ", i * 7919 % 1000 * k % 701);
      if (k % 7 == 6) text += "caf\xE9, 电影 L’Été... ";
      if (k % 11 == 10) text += std::string(static_cast<std::size_t>(90 + i % 20), 'x') + " ";
    }
    texts.push_back({text, i % 3});
  }
  const int before = gradus::num_threads();
  struct Limits {
    int count, min_count;
  };
  for (const Limits& limits : {Limits{100, 1}, {100000, 1}, {100000, 40}, {0, 1}}) {
    const int count = limits.count;
    const int min_count = limits.min_count;
    gradus::set_num_threads(1);
    const Vocabulary vocabulary = Vocabulary::of_texts(texts, count, min_count);
    const EncodedTexts encoded = encode(vocabulary, texts);
    for (const int threads : {1, 2, 3, 8}) {
      CAPTURE(count);
      CAPTURE(threads);
      gradus::set_num_threads(threads);
      const Learned learned = learn_vocabulary(texts, count, min_count);
      CHECK(learned.vocabulary.words() == vocabulary.words());
      CHECK(learned.texts.ids == encoded.ids);
      CHECK(learned.texts.offsets == encoded.offsets);
      CHECK(learned.texts.labels == encoded.labels);
    }
  }
  gradus::set_num_threads(before);
  CHECK_THROWS_AS(learn_vocabulary(texts, -1), gradus::Error);
  CHECK(learn_vocabulary({}, 10).vocabulary.size() == 1);
  CHECK(learn_vocabulary({}, 10).texts.size() == 0);
}
