#include "data/text_bytes.h"

#include <algorithm>
#include <cstddef>

#include "data/utf8.h"

namespace gradus::data {

namespace {

// Of a first line: a file's own header may be text behind a number, other formats show later.
constexpr std::size_t kBegin = 32, kLooked = 512;  // bytes
constexpr std::size_t kMostControls = 8;  // one of so many at its begin may be a control character
constexpr std::size_t kMostInvalid = 4;   // with one anywhere, one of so many may be no UTF-8

bool is_control(char c) {
  return (c >= 0 && c < ' ' &&
          std::string_view("\t\n\v\f\r\x1b").find(c) == std::string_view::npos) ||
         c == '\x7f';
}

std::size_t controls_in(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, is_control));
}

std::size_t invalid_in(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size();) count += next_code_point(text, i) == kInvalid ? 1 : 0;
  return count;
}

}  // namespace

bool is_packed(std::string_view start) {
  using namespace std::string_view_literals;
  for (const auto magic : {"\x1F\x8B"sv, "PK\x03\x04"sv, "PK\x05\x06"sv, "\xFD\x37zXZ\0"sv,
                           "\x28\xB5\x2F\xFD"sv, "7z\xBC\xAF\x27\x1C"sv}) {
    if (start.starts_with(magic)) return true;
  }
  // "BZh" alone may be how a text begins, with the name Bzhou.
  if (start.starts_with("BZh") && start.size() > 4 && start.substr(4).starts_with("1AY&SY")) {
    return true;
  }
  return start.size() > 262 && start.substr(257, 5) == "ustar";
}

std::string_view why_no_text(std::string_view start) {
  if (start.starts_with("\xFF\xFE") || start.starts_with("\xFE\xFF")) {
    return "is UTF-16; save it as UTF-8";
  }
  if (is_packed(start)) return "is compressed or an archive, not text";
  const std::string_view line = start.substr(0, std::min(start.find('\n'), kLooked));
  const std::string_view begin = line.substr(0, kBegin);
  if (controls_in(begin) * kMostControls > begin.size() || start.starts_with("\x89PNG") ||
      (controls_in(line) > 0 && invalid_in(line) * kMostInvalid > line.size())) {
    return "is a binary file, not text";
  }
  return {};
}

}  // namespace gradus::data
