// Cleans raw text (scraped pages, exports, reviews) so that it can be split into words, and counts
// what it did, so that users notice when a file is not what they thought:
//
//   CleanCounts counts;
//   clean_text("I <b>loved</b> it&#33;<br /><br />10/10", &counts)   // "I loved it! 10/10"
//
// - HTML tags are removed: inline ones (b, i, a, span ...) leave nothing, all others a space.
//   Comments, scripts and style sheets are removed with their contents. Only HTML's own names are
//   tags, so "<3", "a < b" and "<sigh>" stay.
// - Entities (&amp; &eacute; &#39; &#x27;) become their characters, double-escaped ones too.
// - Control and invisible characters are removed. U+0080 .. U+009F are read as Windows-1252, as
//   browsers do: they are quotes and dashes that lost their encoding.
// - Bytes that are not UTF-8 become U+FFFD. The result is always valid UTF-8 in composed form
//   (NFC), with single spaces, trimmed.
// Time and memory are linear in the length of the text, whatever is in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::data {

// What cleaning did. clean_text() counts tags to invalid_bytes, clean() (data/split.h) the rest.
struct CleanCounts {
  std::int64_t texts = 0;
  std::int64_t tags = 0;
  std::int64_t entities = 0;
  std::int64_t controls = 0;       // control and invisible characters
  std::int64_t spaces = 0;         // runs of white space that became one space or were trimmed
  std::int64_t invalid_bytes = 0;  // bytes that were not UTF-8
  std::int64_t empty = 0;          // texts with nothing left: dropped
  std::int64_t duplicates = 0;     // texts equal to an earlier one: dropped
  std::int64_t conflicts = 0;      // those of the duplicates that had another label
  std::int64_t test_repeats = 0;   // texts of the data's own test split seen in training: kept

  CleanCounts& operator+=(const CleanCounts& other);
  friend bool operator==(const CleanCounts&, const CleanCounts&) = default;
};

// Lines for people, without a newline at the end.
std::string to_string(const CleanCounts& counts);

// The cleaned text; adds to `counts` unless null.
std::string clean_text(std::string_view raw, CleanCounts* counts = nullptr);
// The cleaned name of a class. Unlike in a text, tags and entities stay, and bytes that are not
// UTF-8 give nullopt: otherwise two classes could become one.
std::optional<std::string> clean_label(std::string_view raw);

}  // namespace gradus::data
