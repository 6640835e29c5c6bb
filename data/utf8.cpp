#include "data/utf8.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>

namespace gradus::data {

char32_t next_code_point(std::string_view text, std::size_t& i) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data() + i);
  const auto left = static_cast<int>(std::min<std::size_t>(text.size() - i, U8_MAX_LENGTH));
  int length = 0;
  std::int32_t c = 0;
  U8_NEXT(bytes, length, left, c);
  i += static_cast<std::size_t>(length);
  return c < 0 ? kInvalid : static_cast<char32_t>(c);
}

void append_utf8(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = kReplacement;
  std::uint8_t bytes[U8_MAX_LENGTH];
  std::size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, c);
  out.append(reinterpret_cast<const char*>(bytes), length);
}

std::string repaired_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    if (next_code_point(text, i) == kInvalid) {
      append_utf8(out, kReplacement);
    } else {
      out.append(text, begin, i - begin);
    }
  }
  return out;
}

}  // namespace gradus::data
