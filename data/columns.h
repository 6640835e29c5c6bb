// The width of text in a terminal, where a Chinese character takes two columns and an accent none.
//
//   columns("电影") == 4
//   padded("电影", 6) == "电影  "         padded_left("7", 3) == "  7"
//   excerpt("It was a long day, and then it rained.", 19, 25) == "...day, and then it..."
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus::data {

std::size_t columns(std::string_view text);
// The longest prefix of at most `most` columns. Never cuts a character.
std::string_view first_columns(std::string_view text, std::size_t most);
// The text with spaces after or before it, at least `width` columns wide.
std::string padded(std::string_view text, std::size_t width);
std::string padded_left(std::string_view text, std::size_t width);
// At most `most` columns (10 or more) of whole words around the word that begins at byte `at`;
// "..." marks omitted text.
std::string excerpt(std::string_view text, std::size_t at, std::size_t most);

}  // namespace gradus::data
