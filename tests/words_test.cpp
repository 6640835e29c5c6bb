#include "data/words.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tensor/parallel.h"

using namespace gradus::data;

namespace {
std::string joined(const Words& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += '|';
    text += words[i];
  }
  return text;
}
std::string split(std::string_view text) { return joined(split_words(text)); }
}  // namespace

TEST_CASE("words, contractions, numbers, marks") {
  CHECK(split("Didn't LIKE it... 3/10!") == "didn't|like|it|...|3/10|!");
  CHECK(split("rock'n'roll 'quoted' dogs' '90s") == "rock'n'roll|quoted|dogs|90s");
  CHECK(split("3.5 1,000 7/10. 10:30 v2.0 a.b a,b") == "3.5|1,000|7/10|.|10|:|30|v2.0|a|.|b|a|,|b");
  CHECK(split("(well-made) \"film\"; $5, 50% *A* & b_c") ==
        "(|well|made|)|\"|film|\"|;|$|5|,|50|%|*|a|*|&|b|c");
  CHECK(split("a.. b..... c.") == "a|...|b|...|c|.");
  CHECK(split("#tag @me ~ [x] {y} <z> \\ | ^ ` = + -") == "tag|me|x|y|z");
  CHECK(split("") == "");
  CHECK(split(" \n\t ") == "");
  CHECK(split("'") == "");
  CHECK(split("5.") == "5|.");
}

TEST_CASE("words outside ASCII") {
  CHECK(split("CAFÉ Ñandú ÀÉÎ") == "café|ñandú|àéî");
  CHECK(split("didn’t L’Été") == "didn't|l'été");
  CHECK(split("ПРИВЕТ, МИР!") == "привет|,|мир|!");
  CHECK(split("ΑΘΗΝΑ İstanbul") == "αθηνα|istanbul");
  CHECK(split("“Great” — she said…") == "\"|great|\"|she|said|...");
  CHECK(split("5 € 😀👍🏽 ❤️") == "5|€|😀|👍|❤");
  CHECK(split("नमस्ते दुनिया।") == "नमस्ते|दुनिया|.");
  CHECK(split("می\u200Cخواهم") == "می\u200Cخواهم");
  CHECK(split("안녕하세요 세계") == "안녕하세요|세계");
  CHECK(split("e\u0301t") == "e\u0301t");  // a mark stays with its letter
  CHECK(split("caf\xE9 x\xFFy \uFFFD") == "caf|x|y");
}

TEST_CASE("text without spaces is cut by dictionary") {
  // Words that every version of ICU's dictionaries agrees on.
  CHECK(split("我爱自然语言处理。") == "我|爱|自然|语言|处理|.");
  CHECK(split("电影非常好看！") == "电影|非常|好看|!");
  const Words japanese = split_words("東京に行きました、とても");
  CHECK(japanese[0] == "東京");
  CHECK(japanese.size() > 4);
  CHECK(japanese.size() < 9);
  CHECK(split("สวัสดีชาวโลก") == "สวัสดี|ชาว|โลก");
  CHECK(split("我用GPU训练2.5小时") == "我|用|gpu|训练|2.5|小时");
}

TEST_CASE("ranges are the bytes a token came from") {
  const std::string text = "Ça n’est PAS... 电影好！";
  const Words words = split_words(text);
  std::string sources;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto [begin, end] = words.range(i);
    if (i > 0) {
      CHECK(words.range(i - 1).end <= begin);
    }
    sources += text.substr(begin, end - begin) + "|";
  }
  CHECK(joined(words) == "ça|n'est|pas|...|电影|好|!");
  CHECK(sources == "Ça|n’est|PAS|...|电影|好|！|");
}

TEST_CASE("an object is used again") {
  Words words;
  split_words("A much LONGER text… with “more”", words);
  split_words("b", words);
  CHECK(joined(words) == "b");
}

TEST_CASE("many threads give what one gives") {
  const std::string text = "这部电影非常好看 Didn’t สวัสดีชาวโลก 東京タワー";
  const std::string expected = split(text);
  std::vector<int> same(500);
  gradus::parallel_for(500, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) same[static_cast<std::size_t>(i)] = split(text) == expected;
  });
  CHECK(std::count(same.begin(), same.end(), 1) == 500);
}

TEST_CASE("long and strange texts") {
  CHECK(split_words(std::string(16 << 20, 'a')).size() == 1);
  CHECK(split_words(std::string(1 << 20, '.')).size() == 1);
  CHECK(split_words(std::string(1 << 20, '!')).size() == 1 << 20);
  CHECK(split_words(std::string(1 << 20, '\xE4')).empty());
  std::string chinese;
  for (int i = 0; i < 100000; ++i) chinese += "电影";
  const Words words = split_words(chinese);
  CHECK(words.size() == 100000);
  CHECK(words[99999] == "电影");
}
