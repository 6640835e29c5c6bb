#include "data/html.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "data/utf8.h"

namespace gradus::data {

namespace {

// A tag longer than this is none: it keeps the search for '>' from going over whole texts.
constexpr std::size_t kMaxTag = 4096;
constexpr std::size_t kMaxEntity = 12;

using Names = std::unordered_set<std::string_view>;

const Names& inline_names() {
  static const Names names{"a",    "abbr", "acronym", "b",    "bdi",   "bdo",  "big",    "cite",
                           "code", "del",  "dfn",     "em",   "font",  "i",    "ins",    "kbd",
                           "mark", "q",    "s",       "samp", "small", "span", "strike", "strong",
                           "sub",  "sup",  "tt",      "u",    "var",   "wbr"};
  return names;
}

const Names& block_names() {
  static const Names names{
      "address",    "applet",   "area",   "article", "aside",    "audio",    "base",   "blockquote",
      "body",       "br",       "button", "canvas",  "caption",  "center",   "col",    "colgroup",
      "dd",         "details",  "dir",    "div",     "dl",       "dt",       "embed",  "fieldset",
      "figcaption", "figure",   "footer", "form",    "frame",    "frameset", "h1",     "h2",
      "h3",         "h4",       "h5",     "h6",      "head",     "header",   "hr",     "html",
      "iframe",     "img",      "input",  "label",   "legend",   "li",       "link",   "main",
      "map",        "menu",     "meta",   "nav",     "noframes", "noscript", "object", "ol",
      "optgroup",   "option",   "p",      "param",   "picture",  "pre",      "script", "section",
      "select",     "source",   "style",  "summary", "svg",      "table",    "tbody",  "td",
      "template",   "textarea", "tfoot",  "th",      "thead",    "time",     "title",  "tr",
      "track",      "ul",       "video"};
  return names;
}

// In the order of their code points, from U+00A0 to U+00FF.
constexpr std::array<std::string_view, 96> kLatin1Names{
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",   "uml",
    "copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",   "deg",    "plusmn",
    "sup2",   "sup3",   "acute",  "micro",  "para",   "middot", "cedil",  "sup1",   "ordm",
    "raquo",  "frac14", "frac12", "frac34", "iquest", "Agrave", "Aacute", "Acirc",  "Atilde",
    "Auml",   "Aring",  "AElig",  "Ccedil", "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave",
    "Iacute", "Icirc",  "Iuml",   "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde",
    "Ouml",   "times",  "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",
    "szlig",  "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",   "eth",
    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide", "oslash", "ugrave",
    "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};

const std::unordered_map<std::string_view, char32_t>& named_entities() {
  static const auto* names = [] {
    auto* table = new std::unordered_map<std::string_view, char32_t>{
        {"quot", '"'},      {"amp", '&'},       {"lt", '<'},       {"gt", '>'},
        {"apos", '\''},     {"OElig", 0x152},   {"oelig", 0x153},  {"Scaron", 0x160},
        {"scaron", 0x161},  {"Yuml", 0x178},    {"fnof", 0x192},   {"circ", 0x2C6},
        {"tilde", 0x2DC},   {"ensp", 0x2002},   {"emsp", 0x2003},  {"thinsp", 0x2009},
        {"zwnj", 0x200C},   {"zwj", 0x200D},    {"lrm", 0x200E},   {"rlm", 0x200F},
        {"ndash", 0x2013},  {"mdash", 0x2014},  {"lsquo", 0x2018}, {"rsquo", 0x2019},
        {"sbquo", 0x201A},  {"ldquo", 0x201C},  {"rdquo", 0x201D}, {"bdquo", 0x201E},
        {"dagger", 0x2020}, {"Dagger", 0x2021}, {"bull", 0x2022},  {"hellip", 0x2026},
        {"permil", 0x2030}, {"prime", 0x2032},  {"Prime", 0x2033}, {"lsaquo", 0x2039},
        {"rsaquo", 0x203A}, {"euro", 0x20AC},   {"trade", 0x2122}, {"larr", 0x2190},
        {"uarr", 0x2191},   {"rarr", 0x2192},   {"darr", 0x2193},  {"minus", 0x2212},
        {"infin", 0x221E},  {"asymp", 0x2248},  {"ne", 0x2260},    {"le", 0x2264},
        {"ge", 0x2265},     {"spades", 0x2660}, {"clubs", 0x2663}, {"hearts", 0x2665},
        {"diams", 0x2666}};
    for (std::size_t i = 0; i < kLatin1Names.size(); ++i) {
      table->emplace(kLatin1Names[i], static_cast<char32_t>(0xA0 + i));
    }
    return table;
  }();
  return *names;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// The index of the '>' that ends a tag whose name ends at i, or npos.
std::size_t tag_end(std::string_view text, std::size_t i, bool declaration) {
  bool blank = true;       // nothing but white space and '/' so far
  bool attribute = false;  // a '=' so far
  for (const std::size_t limit = std::min(text.size(), kMaxTag); i < limit; ++i) {
    const char c = text[i];
    if (c == '>') return blank || attribute || declaration ? i : std::string_view::npos;
    if (c == '<') return std::string_view::npos;
    if (!is_space(c) && c != '/') blank = false;
    if (c == '=') {
      attribute = true;
      while (i + 1 < limit && is_space(text[i + 1])) ++i;
      if (i + 1 < limit && (text[i + 1] == '"' || text[i + 1] == '\'')) {
        i = text.substr(0, limit).find(text[i + 1], i + 2);
        if (i == std::string_view::npos) return i;
      }
    }
  }
  return std::string_view::npos;
}

// `body` is what follows '&'; the length counts body's bytes.
std::optional<HtmlEntity> entity_body(std::string_view body) {
  const std::size_t end = body.substr(0, kMaxEntity).find(';');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  std::string_view name = body.substr(0, end);
  if (name[0] != '#') {
    const auto found = named_entities().find(name);
    if (found == named_entities().end()) return std::nullopt;
    return HtmlEntity{end + 1, found->second};
  }
  name.remove_prefix(1);
  const bool hex = !name.empty() && ascii_lower(name[0]) == 'x';
  if (hex) name.remove_prefix(1);
  if (name.empty()) return std::nullopt;
  std::uint64_t value = 0;  // at most kMaxEntity digits: no overflow
  for (const char digit : name) {
    const char c = ascii_lower(digit);
    if (ascii_digit(c)) {
      value = value * (hex ? 16 : 10) + static_cast<std::uint64_t>(c - '0');
    } else if (hex && c >= 'a' && c <= 'f') {
      value = value * 16 + static_cast<std::uint64_t>(c - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return HtmlEntity{end + 1, static_cast<char32_t>(std::min<std::uint64_t>(value, 0x110000))};
}

}  // namespace

std::optional<HtmlTag> html_tag(std::string_view text) {
  HtmlTag tag;
  std::size_t i = 1;
  if (i < text.size() && text[i] == '/') {
    tag.closing = true;
    ++i;
  }
  if (i < text.size() && text[i] == '!') tag.name = text[i++];
  while (i < text.size() && tag.name.size() < 16 && (is_letter(text[i]) || ascii_digit(text[i]))) {
    tag.name += ascii_lower(text[i++]);
  }
  if (i == text.size() || !(is_space(text[i]) || text[i] == '/' || text[i] == '>')) {
    return std::nullopt;
  }
  const bool declaration = tag.name == "!doctype";
  tag.is_inline = inline_names().contains(tag.name);
  if (!declaration && !tag.is_inline && !block_names().contains(tag.name)) return std::nullopt;
  const std::size_t end = tag_end(text, i, declaration);
  if (end == std::string_view::npos) return std::nullopt;
  tag.length = end + 1;
  return tag;
}

std::optional<HtmlEntity> html_entity(std::string_view text) {
  auto entity = entity_body(text.substr(1));
  if (!entity) return entity;
  std::size_t length = 1 + entity->length;
  while (entity->character == '&') {
    const auto inner = entity_body(text.substr(length));
    if (!inner) break;
    entity = inner;
    length += inner->length;
  }
  return HtmlEntity{length, entity->character};
}

char32_t windows_1252(char32_t c) {
  constexpr std::array<char16_t, 32> kTable{
      0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};
  return kTable[c - 0x80];
}

}  // namespace gradus::data
