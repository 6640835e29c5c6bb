#include "data/clean.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "data/html.h"
#include "data/utf8.h"

namespace gradus::data {

namespace {

// More marks than this on one letter are decoration (and would make normalising quadratic): the
// limit of Unicode's Stream-Safe Text Format (UAX 15).
constexpr int kMaxMarks = 30;

bool is_white_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200B) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

// Control characters, the soft hyphen, marks of direction, the byte order mark. The joiners U+200C
// and U+200D stay: they are part of Persian words and of emoji.
bool is_invisible(char32_t c) {
  return c < 0x20 || c == 0x7F || c == 0xAD || c == 0x200E || c == 0x200F ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x2069) || c == 0xFEFF ||
         (c & 0xFFFE) == 0xFFFE;
}

// Visible ASCII that means itself.
bool is_plain(char c) { return c > ' ' && c < 0x7F && c != '<' && c != '&'; }

class Cleaner {
 public:
  Cleaner(std::string_view raw, bool markup, CleanCounts& counts)
      : raw_(raw), markup_(markup), counts_(counts) {
    out_.reserve(raw.size());
  }

  std::string run() {
    ++counts_.texts;
    while (at_ < raw_.size()) {
      const char c = raw_[at_];
      if (is_plain(c)) {
        plain();
      } else if (!markup_ || (!(c == '<' && tag()) && !(c == '&' && entity()))) {
        character();
      }
    }
    if (spaces_ > 0) ++counts_.spaces;  // white space at the end
    if (composable_) compose();
    return std::move(out_);
  }

 private:
  // Plain characters with single spaces between them stay as they are: most of most texts.
  void plain() {
    const auto plain_at = [this](std::size_t i) { return i < raw_.size() && is_plain(raw_[i]); };
    std::size_t i = at_;
    while (true) {
      while (plain_at(i)) ++i;
      if (i == raw_.size() || raw_[i] != ' ' || !plain_at(i + 1)) break;
      ++i;
    }
    flush_space();
    marks_ = 0;
    out_.append(raw_, at_, i - at_);
    at_ = i;
  }

  void character() {
    const std::size_t begin = at_;
    const char32_t code = next_code_point(raw_, at_);
    if (code == kInvalid) counts_.invalid_bytes += static_cast<std::int64_t>(at_ - begin);
    put(code == kInvalid ? kReplacement : code);
  }

  bool tag() {
    const std::string_view rest = raw_.substr(at_);
    std::size_t length = 0;
    if (rest.starts_with("<!--")) {
      length = until("-->", at_ + 4, endless_comment_);
      if (length == 0) return false;
      put(' ');
    } else {
      const auto found = html_tag(rest);
      if (!found) return false;
      length = found->length;
      if (!found->closing && (found->name == "script" || found->name == "style")) {
        bool& endless = found->name == "script" ? endless_script_ : endless_style_;
        length = std::max(length, until("</" + found->name, at_ + length, endless));
      }
      if (!found->is_inline) put(' ');
    }
    at_ += length;
    ++counts_.tags;
    return true;
  }

  // Bytes from here to behind the next `end` after `from`, 0 if there is none. That is remembered
  // in `none`, so that texts full of openings are not searched to their end again and again.
  std::size_t until(std::string_view end, std::size_t from, bool& none) const {
    if (none) return 0;
    const auto same = [](char a, char b) { return ascii_lower(a) == ascii_lower(b); };
    const auto found = std::search(raw_.begin() + static_cast<std::ptrdiff_t>(from), raw_.end(),
                                   end.begin(), end.end(), same);
    none = found == raw_.end();
    if (none) return 0;
    const auto behind = static_cast<std::size_t>(found - raw_.begin()) + end.size();
    return end == "-->" ? behind - at_ : behind - end.size() - at_;
  }

  bool entity() {
    const auto found = html_entity(raw_.substr(at_));
    if (!found) return false;
    at_ += found->length;
    ++counts_.entities;
    put(found->character);
    return true;
  }

  void put(char32_t c) {
    if (is_white_space(c)) {
      if (spaces_ < 2) ++spaces_;
      odd_space_ |= c != ' ';
      return;
    }
    if (c >= 0x80 && c < 0xA0) {
      ++counts_.controls;
      c = windows_1252(c);
      if (c == 0) return;
    } else if (is_invisible(c)) {
      ++counts_.controls;
      return;
    }
    if (c >= 0x300 && !(c >= 0x2010 && c <= 0x2027)) {
      // Below U+0300 every text is in composed form already, and the dashes, quotes and dots from
      // U+2010 to U+2027 take part in no composition.
      composable_ = true;
      const bool mark = utf8proc_get_property(static_cast<std::int32_t>(c))->combining_class != 0;
      marks_ = mark ? marks_ + 1 : 0;
      if (marks_ > kMaxMarks) {
        ++counts_.controls;
        return;
      }
    } else {
      marks_ = 0;
    }
    flush_space();
    append_utf8(out_, c);
  }

  void flush_space() {
    if (spaces_ == 0) return;
    if (spaces_ > 1 || odd_space_ || out_.empty()) ++counts_.spaces;
    if (!out_.empty()) out_ += ' ';
    spaces_ = 0;
    odd_space_ = false;
  }

  void compose() {
    utf8proc_uint8_t* composed = nullptr;
    const auto size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(out_.data()),
                     static_cast<utf8proc_ssize_t>(out_.size()), &composed,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (size < 0) return;  // out of memory: the text as it is will do
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
    out_.assign(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size));
  }

  std::string_view raw_;
  bool markup_;  // whether there are tags and entities
  CleanCounts& counts_;
  std::string out_;
  std::size_t at_ = 0;
  int spaces_ = 0;          // pending white space, counted to 2
  bool odd_space_ = false;  // some of it is not ' '
  int marks_ = 0;
  bool composable_ = false;
  bool endless_comment_ = false;
  bool endless_script_ = false;
  bool endless_style_ = false;
};

}  // namespace

CleanCounts& CleanCounts::operator+=(const CleanCounts& other) {
  texts += other.texts;
  tags += other.tags;
  entities += other.entities;
  controls += other.controls;
  spaces += other.spaces;
  invalid_bytes += other.invalid_bytes;
  empty += other.empty;
  duplicates += other.duplicates;
  conflicts += other.conflicts;
  test_repeats += other.test_repeats;
  return *this;
}

std::string to_string(const CleanCounts& counts) {
  constexpr std::int64_t kFew = 10;  // bytes that are not UTF-8: they happen in any scraped text
  std::string text = fmt::format(
      "cleaned {} texts: {} HTML tags, {} entities, {} control characters, {} runs of white space, "
      "{} bytes that are not UTF-8\n"
      "dropped {} empty texts, {} duplicates",
      counts.texts, counts.tags, counts.entities, counts.controls, counts.spaces,
      counts.invalid_bytes, counts.empty, counts.duplicates);
  if (counts.conflicts > 0)
    text += fmt::format(" ({} of them with another label)", counts.conflicts);
  if (counts.test_repeats > 0) {
    text += fmt::format("; {} test texts also occur in training (kept)", counts.test_repeats);
  }
  if (counts.invalid_bytes >= std::max(kFew, counts.texts / 10)) {
    text +=
        "\nso many bytes that are not UTF-8 mean that the data has another encoding; convert it "
        "first, as with iconv -f windows-1252 -t utf-8";
  }
  return text;
}

std::string clean_text(std::string_view raw, CleanCounts* counts) {
  CleanCounts unused;
  return Cleaner(raw, true, counts != nullptr ? *counts : unused).run();
}

std::optional<std::string> clean_label(std::string_view raw) {
  CleanCounts counts;
  std::string name = Cleaner(raw, false, counts).run();
  return counts.invalid_bytes > 0 ? std::nullopt : std::optional(std::move(name));
}

}  // namespace gradus::data
