// The parts of HTML that occur in texts: tags and character references.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::data {

struct HtmlTag {
  std::size_t length = 0;  // bytes from '<' to '>'
  std::string name;        // lower case; "!doctype" for a declaration
  bool closing = false;
  bool is_inline = false;  // does not end a word: <b>un</b>believable is one word
};
// The tag at the beginning of `text`, if there is one that HTML knows. "a <b and c> d" has none:
// attributes need a '='.
std::optional<HtmlTag> html_tag(std::string_view text);

struct HtmlEntity {
  std::size_t length = 0;  // bytes from '&' to ';'
  char32_t character = 0;
};
// The character reference at the beginning of `text`: the named ones of HTML 4 that occur in prose,
// and all numeric ones. One escaped twice or more (&amp;#39;) is resolved completely.
std::optional<HtmlEntity> html_entity(std::string_view text);

// The character that Windows-1252 has at 0x80 .. 0x9F, or 0.
char32_t windows_1252(char32_t c);

}  // namespace gradus::data
