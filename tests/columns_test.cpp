#include "data/columns.h"

#include <doctest/doctest.h>

using namespace gradus::data;

TEST_CASE("columns of a terminal") {
  CHECK(columns("") == 0);
  CHECK(columns("film") == 4);
  CHECK(columns("电影") == 4);
  CHECK(columns("e\u0301") == 1);  // an accent stands on its letter
  CHECK(columns("\xFF") == 1);
  CHECK(first_columns("film", 3) == "fil");
  CHECK(first_columns("电影", 3) == "电");
  CHECK(first_columns("电影", 4) == "电影");
  CHECK(padded("电影", 6) == "电影  ");
  CHECK(padded_left("7", 3) == "  7");
  CHECK(padded("film", 2) == "film");
}

TEST_CASE("an excerpt has whole words around a place, and says what is missing") {
  const std::string text = "It was a long day, and then it rained.";
  CHECK(excerpt(text, 9, 100) == text);
  CHECK(excerpt(text, 19, 25) == "...day, and then it...");
  CHECK(excerpt(text, 0, 16) == "It was a...");
  CHECK(excerpt(text, 31, 20) == "...it rained.");
  const std::string single(100, 'x');
  CHECK(excerpt(single, 0, 20) == std::string(14, 'x') + "...");
  const std::string chinese = "这部电影非常好看我非常喜欢";  // three bytes and two columns each
  for (std::size_t at = 0; at < chinese.size(); at += 3) {
    const std::string part = excerpt(chinese, at, 16);
    CAPTURE(part);
    CHECK(columns(part) <= 16);
    CHECK(part.find(chinese.substr(at, 3)) != std::string::npos);
  }
}
