#include "data/columns.h"

#include <utf8proc.h>

#include <algorithm>

#include "data/utf8.h"

namespace gradus::data {

namespace {
std::size_t width_of(char32_t c) {
  if (c == kInvalid) return 1;
  return static_cast<std::size_t>(utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)));
}
}  // namespace

std::size_t columns(std::string_view text) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < text.size();) sum += width_of(next_code_point(text, i));
  return sum;
}

std::string_view first_columns(std::string_view text, std::size_t most) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    sum += width_of(next_code_point(text, i));
    if (sum > most) return text.substr(0, begin);
  }
  return text;
}

std::string padded(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width - std::min(width, columns(text)), ' ');
}

std::string padded_left(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, columns(text)), ' ') + std::string(text);
}

std::string excerpt(std::string_view text, std::size_t at, std::size_t most) {
  if (columns(text) <= most) return std::string(text);
  constexpr std::string_view kDots = "...";
  const std::size_t room = most - 2 * kDots.size();
  // A third of the room is for what stands before, more near the end; where no word begins there, `at`
  // comes first.
  std::size_t begin = std::min(at - std::min(at, room / 3), text.size() - room);
  if (begin > 0) begin = std::min(text.find(' ', begin - 1), at - 1) + 1;
  std::string_view shown = first_columns(text.substr(begin), room);
  const bool cut = begin + shown.size() < text.size();
  if (cut && text[begin + shown.size()] != ' ') {
    const std::size_t space = shown.rfind(' ');
    if (space != std::string_view::npos && begin + space > at) shown = shown.substr(0, space);
  }
  return std::string(begin > 0 ? kDots : "") + std::string(shown) + std::string(cut ? kDots : "");
}

}  // namespace gradus::data
