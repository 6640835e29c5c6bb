// Splits text into lower-case words:
//
//   Words words = split_words("Didn't like it... 3/10!");
//   words.size() == 6        words[0] == "didn't"   words[3] == "..."   words[4] == "3/10"  ...
//   words.range(0)           // the bytes of the text it came from: {0, 6}
//
// A token is one of
// - a word: a run of letters, digits and their marks, with the apostrophes inside it ("didn't", also
//   when written with U+2019);
// - a number, with the points, commas and slashes inside it ("3.5", "1,000", "7/10");
// - in Chinese, Japanese, Thai, Lao, Khmer and Burmese, which have no spaces, a word that ICU's
//   dictionaries find;
// - a punctuation mark that carries meaning for a classifier: ! ? . , ; : ( ) " $ % * & and a run
//   of dots as "..."; their other forms (U+3002, U+FF01, curly quotes ...) are written like these;
// - a symbol such as an emoji or a currency sign.
// Everything else separates tokens. Safe to call from many threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

class Words {
 public:
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };

  std::size_t size() const { return tokens_.size(); }
  bool empty() const { return tokens_.empty(); }
  // Valid until this object is moved from or reused for another text.
  std::string_view operator[](std::size_t i) const {
    const Range& word = tokens_[i].word;
    return std::string_view(lowered_).substr(word.begin, word.end - word.begin);
  }
  Range range(std::size_t i) const { return tokens_[i].source; }

 private:
  friend class Splitter;
  struct Token {
    Range source;  // in the text
    Range word;    // in lowered_
  };
  // The text with ASCII lower-cased, so that most words stay where they are; after it, one after
  // another, the words that had to be rewritten.
  std::string lowered_;
  std::vector<Token> tokens_;
};

Words split_words(std::string_view text);
// The same, reusing memory. Throws Error for text above 1 GiB, or if ICU lacks its dictionaries.
void split_words(std::string_view text, Words& words);

}  // namespace gradus::data
