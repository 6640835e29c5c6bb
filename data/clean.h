// Cleaning makes raw text (scraped pages, exports, reviews) fit to be read as words, and counts
// what it did so that a user can see when a file was not what they thought:
//
//   CleanCounts counts;
//   clean_text("I <b>loved</b> it&#33;<br /><br />10/10", &counts)   // "I loved it! 10/10"
//
// - HTML tags go: those inside a line (b, i, a, span ...) leave nothing, all others a space;
//   comments, scripts and style sheets go with what they hold. Only names that HTML has are tags, so that
//   "<3", "a < b" and "<sigh>" stay.
// - Entities (&amp; &eacute; &#39; &#x27;) become what they stand for, double-escaped ones too.
// - Control and invisible characters go. U+0080 .. U+009F are read as Windows-1252, as browsers do:
//   they are quotes and dashes that lost their encoding.
// - Bytes that are not UTF-8 become U+FFFD; the result is always valid UTF-8, in Unicode's composed
//   form (NFC), with single spaces, trimmed.
// Time and memory grow linearly with the text, whatever is in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::data {

// What cleaning found. clean_text counts up to invalid_bytes; clean (data/split.h) the rest.
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

// `counts` may be null.
std::string clean_text(std::string_view raw, CleanCounts* counts = nullptr);
// The name of a class: as a text, but tags and entities stay and other bytes than UTF-8 make it nothing, so that
// two classes do not become one.
std::optional<std::string> clean_label(std::string_view raw);

}  // namespace gradus::data
