#include "data/word_table.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using gradus::data::WordTable;

TEST_CASE("words are numbered as they come") {
  WordTable table;
  CHECK(table.size() == 0);
  CHECK(table.find("a") == WordTable::kNone);
  CHECK(table.add("a") == 0);
  CHECK(table.add("film") == 1);
  CHECK(table.add("a") == 0);
  CHECK(table.find("film") == 1);
  CHECK(table.find("films") == WordTable::kNone);
  CHECK(table.size() == 2);
  CHECK(table[0] == "a");
  CHECK(table[1] == "film");
}

TEST_CASE("words of any size differ if one byte does") {
  // 0 to 40 bytes: all ways to read a short word, and long words. Of each size one of zeros and, for
  // each of its bytes, one in which that byte is 'x'.
  WordTable table;
  std::vector<std::string> words;
  for (std::size_t size = 0; size <= 40; ++size) {
    words.emplace_back(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
      words.emplace_back(size, '\0');
      words.back()[i] = 'x';
    }
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    REQUIRE(table.find(words[i]) == WordTable::kNone);
    REQUIRE(table.add(words[i]) == static_cast<std::int32_t>(i));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    REQUIRE(table.find(words[i]) == static_cast<std::int32_t>(i));
    REQUIRE(table[static_cast<std::int32_t>(i)] == words[i]);
  }
}

TEST_CASE("the table grows, with room made before or not") {
  for (const std::size_t room : {0, 1000, 200000}) {
    WordTable table;
    table.reserve(room);
    for (int i = 0; i < 100000; ++i) REQUIRE(table.add(fmt::format("w{}", i)) == i);
    CHECK(table.size() == 100000);
    for (int i = 0; i < 100000; ++i) REQUIRE(table.find(fmt::format("w{}", i)) == i);
    CHECK(table.find("w100000") == WordTable::kNone);
    CHECK(table[99999] == "w99999");
  }
}

TEST_CASE("a copy stands by itself") {
  WordTable table;
  table.add("one");
  WordTable copy = table;
  copy.add("two");
  CHECK(table.find("two") == WordTable::kNone);
  table = {};
  CHECK(copy.find("one") == 0);
  CHECK(copy[1] == "two");
}
