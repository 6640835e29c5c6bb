#include "data/ngrams.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "data/class_ratios.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"

using namespace gradus::data;
using Ids = std::vector<std::int32_t>;

namespace {

EncodedTexts of(const std::vector<Ids>& texts) {
  EncodedTexts result;
  for (const Ids& text : texts) {
    result.ids.insert(result.ids.end(), text.begin(), text.end());
    result.offsets.push_back(std::ssize(result.ids));
    result.labels.push_back(0);
  }
  return result;
}

std::vector<std::string> all(const Ngrams& ngrams, const Vocabulary& vocabulary) {
  std::vector<std::string> list;
  for (std::int64_t i = 0; i < ngrams.size(); ++i) list.push_back(ngrams.text(i, vocabulary));
  return list;
}

// Words 1 .. words - 1 and <unk>, a few of them often.
EncodedTexts random_texts(std::int64_t count, int words) {
  std::vector<Ids> texts;
  for (std::int64_t i = 0; i < count; ++i) {
    Ids text;
    const auto length = gradus::philox(5, 1, static_cast<std::uint64_t>(i))[0] % 60;
    for (std::uint32_t t = 0; t < length; ++t) {
      const double u =
          gradus::to_uniform(gradus::philox(5, 2 + static_cast<std::uint64_t>(i), t)[0]);
      text.push_back(static_cast<std::int32_t>(u * u * words));
    }
    texts.push_back(text);
  }
  return of(texts);
}

}  // namespace

TEST_CASE("n-grams that occur twice, the most frequent first") {
  const Vocabulary vocabulary({"<unk>", "not", "a", "good", "film"});
  // not a good film / a good film / not ? good
  const EncodedTexts texts = of({{1, 2, 3, 4}, {2, 3, 4}, {1, 0, 3}});
  const Ngrams ngrams = Ngrams::of_texts(texts, {.longest = 3, .skips = true});
  CHECK(all(ngrams, vocabulary) == std::vector<std::string>{"good", "not", "not _ good", "a",
                                                            "a _ film", "a good", "a good film",
                                                            "good film", "film"});
  const EncodedTexts found = ngrams.encode(texts);
  CHECK(found.offsets == texts.offsets);
  CHECK(found.bags == Ids{2, 4, 2, 1, 4, 2, 1, 2, 0, 1});
  CHECK(found[2].size() == 3);
  CHECK(found[2][1] == 2);  // not _ good
  CHECK(all(Ngrams::of_texts(texts, {.longest = 1}), vocabulary).size() == 4);
  CHECK(all(Ngrams::of_texts(texts, {.longest = 2, .least = 3}), vocabulary) ==
        std::vector<std::string>{"good"});
  CHECK(Ngrams::of_texts(texts, {.most = 2}).size() == 2);
  CHECK(Ngrams::of_texts(of({}), {}).size() == 0);
  CHECK(Ngrams().encode(texts).ids.empty());
}

TEST_CASE("n-grams are counted and found as a plain map would, on any number of threads") {
  const EncodedTexts texts = random_texts(2000, 300);
  const NgramOptions options{.longest = 3, .skips = true, .least = 3};
  std::map<Ids, std::int64_t> counts;
  const auto for_each = [&](std::int64_t i, const auto& each) {
    const auto text = texts[i];
    const auto known = [&](std::size_t t) { return t < text.size() && text[t] != 0; };
    for (std::size_t t = 0; t < text.size(); ++t) {
      if (!known(t)) continue;
      each(t, Ids{text[t], 0, 0});
      if (known(t + 1)) each(t, Ids{text[t], text[t + 1], 0});
      if (known(t + 1) && known(t + 2)) each(t, Ids{text[t], text[t + 1], text[t + 2]});
      if (known(t + 2)) each(t, Ids{text[t], 0, text[t + 2]});
    }
  };
  for (std::int64_t i = 0; i < texts.size(); ++i) {
    for_each(i, [&](std::size_t, const Ids& key) { ++counts[key]; });
  }
  std::erase_if(counts, [](const auto& each) { return each.second < 3; });

  const Ngrams ngrams = Ngrams::of_texts(texts, options);
  REQUIRE(ngrams.size() == std::ssize(counts));
  const auto key_of = [&](std::int32_t number) {
    const Ngrams::Key& key = ngrams.keys()[static_cast<std::size_t>(number)];
    return Ids{key.first, key.second, key.third};
  };
  bool falls = true;
  for (std::int32_t i = 0; i < ngrams.size(); ++i) {
    REQUIRE(counts.contains(key_of(i)));
    falls = falls && (i == 0 || counts[key_of(i)] <= counts[key_of(i - 1)]);
  }
  CHECK(falls);

  const EncodedTexts found = ngrams.encode(texts);
  for (std::int64_t i = 0; i < texts.size(); ++i) {
    std::vector<Ids> expected;
    Ids sizes(texts[i].size(), 0);
    std::set<Ids> seen;
    for_each(i, [&](std::size_t t, const Ids& key) {
      if (!counts.contains(key) || !seen.insert(key).second) return;
      expected.push_back(key);
      ++sizes[t];
    });
    std::vector<Ids> keys;
    for (const std::int32_t number : found[i]) keys.push_back(key_of(number));
    REQUIRE(keys == expected);
    REQUIRE(std::ranges::equal(found.bags_of(i), sizes));
  }

  const int threads = gradus::num_threads();
  gradus::set_num_threads(1);
  const Ngrams again = Ngrams::of_texts(texts, options);
  CHECK(again.encode(texts).ids == found.ids);
  gradus::set_num_threads(threads);
  const Ngrams same(ngrams.keys(), 300, options);
  CHECK(same.encode(texts).ids == found.ids);
}

TEST_CASE("n-grams of words that there are not are refused") {
  CHECK_THROWS_AS(Ngrams({{5, 0, 0}}, 5, {}), gradus::Error);
  CHECK_THROWS_AS(Ngrams({{0, 1, 0}}, 5, {}), gradus::Error);
  CHECK_THROWS_AS(Ngrams({{1, -1, 0}}, 5, {}), gradus::Error);
  CHECK_THROWS_AS(Ngrams({{1, 2, 0}, {1, 2, 0}}, 5, {}), gradus::Error);
  CHECK_THROWS_AS(Ngrams::of_texts(of({{1 << 21}})), gradus::Error);
}

TEST_CASE("how much a token says of the class") {
  // Token 0 in texts of classes 0, 0, 1; token 1 twice in one of class 1; token 2 in none.
  EncodedTexts texts = of({{0}, {0}, {0, 1, 1}});
  texts.labels = {0, 0, 1};
  const std::vector<float> r = class_ratios(texts, 3, 2);
  // sums of n + 1: class 0: 3 + 1 + 1 = 5, class 1: 2 + 2 + 1 = 5
  REQUIRE(r.size() == 3);
  CHECK(r[0] == doctest::Approx(std::log(3.0 / 2)));
  CHECK(r[1] == doctest::Approx(std::log(2.0)));
  CHECK(r[2] == 0);
}

TEST_CASE("how much a token says of one class against all others, class by class") {
  EncodedTexts texts = random_texts(500, 90);
  constexpr int kClasses = 7;
  for (std::size_t i = 0; i < texts.labels.size(); ++i) {
    texts.labels[i] = static_cast<std::int32_t>(i % 3 == 0 ? 0 : i % kClasses);
  }
  std::vector<std::vector<double>> n(kClasses, std::vector<double>(90, 1));  // n + 1
  std::vector<std::vector<double>> m = n;
  for (std::int64_t i = 0; i < texts.size(); ++i) {
    const std::set<std::int32_t> tokens(texts[i].begin(), texts[i].end());
    for (std::size_t c = 0; c < kClasses; ++c) {
      const bool own = texts.labels[static_cast<std::size_t>(i)] == static_cast<std::int32_t>(c);
      for (const std::int32_t t : tokens) ++(own ? n : m)[c][static_cast<std::size_t>(t)];
    }
  }
  const std::vector<float> r = class_ratios(texts, 90, kClasses);
  for (std::size_t t = 0; t < 90; ++t) {
    double largest = 0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      const auto sum = [](const std::vector<double>& x) {
        return std::accumulate(x.begin(), x.end(), 0.0);
      };
      largest = std::max(largest, std::abs(std::log(n[c][t] / sum(n[c]) * sum(m[c]) / m[c][t])));
    }
    CHECK(r[t] == doctest::Approx(largest));
  }
}
