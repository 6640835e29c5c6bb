#include "data/words.h"

#include <fmt/format.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utext.h>
#include <utf8proc.h>

#include <array>
#include <memory>

#include "data/utf8.h"
#include "tensor/error.h"

namespace gradus::data {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

enum class Ascii : std::uint8_t { separator, word, mark, wide };

constexpr std::array<Ascii, 256> kAscii = [] {
  std::array<Ascii, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    table[static_cast<std::size_t>(c)] = word        ? Ascii::word
                                         : c >= 0x80 ? Ascii::wide
                                                     : Ascii::separator;
  }
  for (const char c : std::string_view("!?.,;:()\"$%*&")) {
    table[static_cast<unsigned char>(c)] = Ascii::mark;
  }
  return table;
}();

Ascii ascii(char c) { return kAscii[static_cast<unsigned char>(c)]; }

// The ASCII mark that a character is a form of, or nothing.
std::string_view mark_of(char32_t c) {
  switch (c) {
    case 0x3002:
    case 0xFF0E:
    case 0xFF61:
    case 0x0964: return ".";
    case 0xFF0C:
    case 0x3001:
    case 0xFF64:
    case 0x060C: return ",";
    case 0xFF01: return "!";
    case 0xFF1F:
    case 0x061F: return "?";
    case 0xFF1B:
    case 0x061B: return ";";
    case 0xFF1A: return ":";
    case 0xFF08: return "(";
    case 0xFF09: return ")";
    case 0xFF04: return "$";
    case 0xFF05: return "%";
    case 0xFF0A: return "*";
    case 0xFF06: return "&";
    case 0x2026: return "...";
    case 0xAB:
    case 0xBB:
    case 0x201C:
    case 0x201D:
    case 0x201E:
    case 0x300C:
    case 0x300D:
    case 0x300E:
    case 0x300F:
    case 0xFF02: return "\"";
    default: return "";
  }
}

enum class Kind { separator, letter, joiner, apostrophe, unspaced, mark, symbol };

// Characters of scripts that are written without spaces, and the two length marks of Japanese,
// which belong to no script.
bool is_unspaced(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  switch (uscript_getScript(static_cast<UChar32>(c), &status)) {
    case USCRIPT_HAN:
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_THAI:
    case USCRIPT_LAO:
    case USCRIPT_KHMER:
    case USCRIPT_MYANMAR: return true;
    default: return c == 0x30FC || c == 0xFF70;
  }
}

Kind kind_of(char32_t c) {
  if (c == kInvalid || c == kReplacement) return Kind::separator;
  if (c == 0x2019 || c == 0x02BC || c == 0xFF07) return Kind::apostrophe;
  if (c == 0x200C || c == 0x200D) return Kind::joiner;
  if (!mark_of(c).empty()) return Kind::mark;
  const auto category = U_MASK(u_charType(static_cast<UChar32>(c)));
  if ((category & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0) {
    if (is_unspaced(c)) return Kind::unspaced;
    return (category & U_GC_M_MASK) != 0 ? Kind::joiner : Kind::letter;
  }
  return (category & (U_GC_SO_MASK | U_GC_SC_MASK)) != 0 ? Kind::symbol : Kind::separator;
}

struct IcuClose {
  void operator()(UBreakIterator* iterator) const { ubrk_close(iterator); }
  void operator()(UText* text) const { utext_close(text); }
};

void check(UErrorCode status) {
  if (U_FAILURE(status)) {
    throw Error(fmt::format("[split_words] ICU cannot find word breaks: {}", u_errorName(status)));
  }
}

// ICU's iterators may not be shared, so each thread has one.
UBreakIterator* word_breaks() {
  thread_local std::unique_ptr<UBreakIterator, IcuClose> iterator;
  if (!iterator) {
    UErrorCode status = U_ZERO_ERROR;
    iterator.reset(ubrk_open(UBRK_WORD, "", nullptr, 0, &status));
    check(status);
  }
  return iterator.get();
}

}  // namespace

class Splitter {
 public:
  Splitter(std::string_view text, Words& words)
      : text_(text), lowered_(words.lowered_), tokens_(words.tokens_) {}

  void run() {
    lowered_.assign(text_);
    for (char& c : lowered_) c = ascii_lower(c);
    tokens_.clear();
    for (std::size_t i = 0; i < text_.size();) {
      switch (ascii(text_[i])) {
        case Ascii::separator: ++i; break;
        case Ascii::word: i = word(i); break;
        case Ascii::mark: i = mark(i); break;
        case Ascii::wide: i = wide(i); break;
      }
    }
  }

 private:
  // Each of these takes the token that begins at `begin` and returns where it ends.

  std::size_t word(std::size_t begin) {
    bool plain = true;
    std::size_t i = begin;
    while (true) {
      while (i < text_.size() && ascii(text_[i]) == Ascii::word) ++i;
      if (i == text_.size()) break;
      const char c = text_[i];
      if (ascii(c) == Ascii::wide) {
        std::size_t next = i;
        const Kind kind = kind_of(next_code_point(text_, next));
        if (kind != Kind::letter && kind != Kind::joiner &&
            !(kind == Kind::apostrophe && begins_word(next))) {
          break;
        }
        plain = false;
        i = next;
      } else if (c == '\'' ? begins_word(i + 1) : joins_digits(i)) {
        ++i;
      } else {
        break;
      }
    }
    plain ? take(begin, i) : spell(begin, i);
    return i;
  }

  bool begins_word(std::size_t i) const {
    if (i >= text_.size()) return false;
    if (ascii(text_[i]) != Ascii::wide) return ascii(text_[i]) == Ascii::word;
    return kind_of(next_code_point(text_, i)) == Kind::letter;
  }

  bool joins_digits(std::size_t i) const {
    const char c = text_[i];
    return (c == '.' || c == ',' || c == '/') && i > 0 && ascii_digit(text_[i - 1]) &&
           i + 1 < text_.size() && ascii_digit(text_[i + 1]);
  }

  std::size_t mark(std::size_t begin) {
    std::size_t i = begin + 1;
    if (text_[begin] == '.') {
      while (i < text_.size() && text_[i] == '.') ++i;
    }
    i == begin + 1 ? take(begin, i) : respell(begin, i, "...");
    return i;
  }

  std::size_t wide(std::size_t begin) {
    std::size_t i = begin;
    const char32_t c = next_code_point(text_, i);
    switch (kind_of(c)) {
      case Kind::letter: return word(begin);
      case Kind::unspaced: return unspaced(begin);
      case Kind::mark: respell(begin, i, mark_of(c)); break;
      case Kind::symbol: take(begin, i); break;
      default: break;
    }
    return i;
  }

  std::size_t unspaced(std::size_t begin) {
    std::size_t end = begin;
    for (std::size_t next = begin; next < text_.size(); end = next) {
      const Kind kind = kind_of(next_code_point(text_, next));
      if (kind != Kind::unspaced && kind != Kind::joiner) break;
    }
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<UText, IcuClose> run(utext_openUTF8(
        nullptr, text_.data() + begin, static_cast<std::int64_t>(end - begin), &status));
    check(status);
    UBreakIterator* breaks = word_breaks();
    ubrk_setUText(breaks, run.get(), &status);
    check(status);
    std::size_t from = begin;
    for (auto at = ubrk_next(breaks); at != UBRK_DONE; at = ubrk_next(breaks)) {
      const std::size_t to = begin + static_cast<std::size_t>(at);
      take(from, to);
      from = to;
    }
    return end;
  }

  // A token as it stands in lowered_.
  void take(std::size_t begin, std::size_t end) {
    const Words::Range range{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
    tokens_.push_back({range, range});
  }

  // A token written anew behind the text.
  void respell(std::size_t begin, std::size_t end, std::string_view word) {
    const std::size_t at = lowered_.size();
    lowered_ += word;
    add_spelled(begin, end, at);
  }

  void spell(std::size_t begin, std::size_t end) {
    const std::size_t at = lowered_.size();
    for (std::size_t i = begin; i < end;) {
      const char32_t c = next_code_point(text_, i);
      append_utf8(lowered_,
                  kind_of(c) == Kind::apostrophe
                      ? U'\''
                      : static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
    add_spelled(begin, end, at);
  }

  void add_spelled(std::size_t begin, std::size_t end, std::size_t at) {
    take(begin, end);
    tokens_.back().word = {static_cast<std::uint32_t>(at),
                           static_cast<std::uint32_t>(lowered_.size())};
  }

  std::string_view text_;
  std::string& lowered_;
  std::vector<Words::Token>& tokens_;
};

Words split_words(std::string_view text) {
  Words words;
  split_words(text, words);
  return words;
}

void split_words(std::string_view text, Words& words) {
  if (text.size() > kMaxBytes) {
    throw Error(fmt::format("[split_words] the text has {} bytes; at most {} are taken",
                            text.size(), kMaxBytes));
  }
  Splitter(text, words).run();
}

}  // namespace gradus::data
