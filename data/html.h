// The little of HTML that is found in texts: tags and character references.
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
// The tag that `text` begins with, if it begins with one that HTML knows. In "a <b and c> d" there
// is none: attributes need a '='.
std::optional<HtmlTag> html_tag(std::string_view text);

struct HtmlEntity {
  std::size_t length = 0;  // bytes from '&' to ';'
  char32_t character = 0;
};
// The character reference that `text` begins with: the named ones of HTML 4 that occur in prose,
// and all numeric ones. Escaped twice or more (&amp;#39;) it is resolved to the end.
std::optional<HtmlEntity> html_entity(std::string_view text);

// The character that Windows-1252 has at 0x80 .. 0x9F, or 0.
char32_t windows_1252(char32_t c);

}  // namespace gradus::data
