// Reads and writes UTF-8 one code point at a time; the rest of data/ works on bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus::data {

// Lower-cases A to Z; all other bytes stay.
constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool ascii_digit(char c) { return c >= '0' && c <= '9'; }

// The result of next_code_point for bytes that are not UTF-8.
inline constexpr char32_t kInvalid = 0xFFFFFFFF;
inline constexpr char32_t kReplacement = 0xFFFD;

// Returns the code point at text[i] and moves i past it. Skips invalid bytes as the Unicode
// standard advises (3.9, "maximal subpart"), at least one and at most three.
char32_t next_code_point(std::string_view text, std::size_t& i);
// Appends c, or U+FFFD if c is not a character (a surrogate, or above U+10FFFF).
void append_utf8(std::string& out, char32_t c);
// The text with U+FFFD for each run of invalid bytes that next_code_point() skips.
std::string repaired_utf8(std::string_view text);

}  // namespace gradus::data
