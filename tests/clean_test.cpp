#include "data/clean.h"

#include <doctest/doctest.h>

#include <chrono>

#include "data/utf8.h"

using namespace gradus::data;

TEST_CASE("tags leave a space, or nothing inside a line") {
  CHECK(clean_text("good<br /><br />bad<BR>end") == "good bad end");
  CHECK(clean_text("<p class=\"a > b\">One</p><p>two</p>") == "One two");
  CHECK(clean_text("<b>un</b>believ<i>able</i>") == "unbelievable");
  CHECK(clean_text("<a href='x>y'>link</a>.") == "link.");
  CHECK(clean_text("a<!-- not <b>seen</b> -->b") == "a b");
  CHECK(clean_text("<!DOCTYPE html><html>x</html>") == "x");
  CHECK(clean_text("a<script>if (x < 1) alert('</b>')</script>b<style>p{}</STYLE >c") == "a b c");
}

TEST_CASE("what only looks like a tag stays") {
  for (const std::string text :
       {"I <3 it", "a < b", "x<y and y>z", "a <b and c> d", "<sigh>", "<grin> :-)", "<", "a <",
        "</", "<br", "<b <i", "<name@example.org>", "1<2>0", "<!-- never closed", "<a href='x>"}) {
    CAPTURE(text);
    CHECK(clean_text(text) == text);
  }
}

TEST_CASE("entities") {
  CHECK(clean_text("Tom &amp; Jerry&#39;s &quot;best&#x22;") == "Tom & Jerry's \"best\"");
  CHECK(clean_text("caf&eacute; &Eacute;&yuml;&nbsp;&iexcl;") == "café Éÿ ¡");
  CHECK(clean_text("&amp;#39;&amp;amp;lt;&amp;quot;") == "'<\"");  // escaped twice and thrice
  CHECK(clean_text("&lt;br&gt;") == "<br>");                       // an escaped tag is text
  CHECK(clean_text("&#150;&#x92;") == "–’");  // Windows-1252, as browsers read it
  CHECK(clean_text("&#xD800;&#x110000;&#99999999;") == "\uFFFD\uFFFD\uFFFD");
  CHECK(clean_text("&#128512;") == "😀");
  for (const std::string text : {"R&D", "&", "&;", "&#;", "&#x;", "&nosuch;", "&#12a;", "AT&T;",
                                 "&amp", "&#123456789012345678901234567890;"}) {
    CAPTURE(text);
    CHECK(clean_text(text) == text);
  }
}

TEST_CASE("white space, control and invisible characters") {
  CHECK(clean_text(" \t a\r\n\r\n b\u00A0\u3000c \n") == "a b c");
  CHECK(clean_text("a b c  d e <i>f</i> g &amp; h é i ") == "a b c d e f g & h é i");
  CHECK(clean_text(" \n\t ") == "");
  CHECK(clean_text("") == "");
  using namespace std::string_view_literals;
  CHECK(clean_text("a\0b\x01\x7F"
                   "c\x1B[0m"sv) == "abc[0m");
  CHECK(clean_text("\uFEFFsoft\u00ADhyphen\u200F") == "softhyphen");
  CHECK(clean_text("zero\u200Bwidth") == "zero width");
  CHECK(clean_text("می\u200Cخواهم") == "می\u200Cخواهم");  // the joiner is part of the word
  CHECK(clean_text("it\u0092s\u0085") == "it’s…");
}

TEST_CASE("so many bytes that are not UTF-8 that it is another encoding are said to be so") {
  const std::string hint =
      "\nso many bytes that are not UTF-8 mean that the data has another encoding; convert it "
      "first, "
      "as with iconv -f windows-1252 -t utf-8";
  CHECK(to_string({.texts = 100, .invalid_bytes = 10}).ends_with(hint));
  CHECK(to_string({.texts = 1, .invalid_bytes = 10}).ends_with(hint));
  CHECK(to_string({.texts = 120, .invalid_bytes = 11}).ends_with("0 duplicates"));
  CHECK(to_string({.texts = 5}).ends_with("0 duplicates"));
}

TEST_CASE("bytes that are not UTF-8 become U+FFFD") {
  CHECK(clean_text("caf\xE9!") == "caf\uFFFD!");
  CHECK(clean_text("\xFF\xFE") == "\uFFFD\uFFFD");
  CHECK(clean_text("\xE2\x82") == "\uFFFD");                  // cut short: one for the whole part
  CHECK(clean_text("\xC0\xAF") == "\uFFFD\uFFFD");            // an overlong '/'
  CHECK(clean_text("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(clean_text("\xF4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
  // Whatever the bytes, the result is UTF-8 and cleaning it again changes no character.
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 131 + i * i * 7 + (i >> 3)) % 256);
  const std::string once = clean_text(bytes);
  for (std::size_t i = 0; i < once.size();) REQUIRE(next_code_point(once, i) != kInvalid);
  CHECK(clean_text(once) == once);
}

TEST_CASE("texts are put in composed form") {
  CHECK(clean_text("cafe\u0301") == "caf\u00E9");
  CHECK(clean_text("\u1112\u1161\u11AB") == "한");
  // Dashes, quotes and dots are the same in composed form, so that they need no composing.
  for (char32_t c = 0x2010; c <= 0x2027; ++c) {
    std::string mark;
    append_utf8(mark, c);
    CHECK(clean_text(mark) == mark);
    CHECK(clean_text("e\u0301" + mark + "e\u0301") == "é" + mark + "é");
  }
}

TEST_CASE("counts say what was done and add up") {
  CleanCounts a;
  clean_text(" x<br/>y &amp;\x01  z\xFF", &a);
  CleanCounts expected;
  expected.texts = 1;
  expected.tags = 1;
  expected.entities = 1;
  expected.controls = 1;
  expected.spaces = 2;  // the one at the start and the double one
  expected.invalid_bytes = 1;
  CHECK(a == expected);
  CleanCounts b = a;
  b.duplicates = 3;
  b.conflicts = 1;
  a += b;
  CHECK(a.texts == 2);
  CHECK(a.tags == 2);
  CHECK(a.duplicates == 3);
  CHECK(to_string(a) ==
        "cleaned 2 texts: 2 HTML tags, 2 entities, 2 control characters, 4 runs of white space, "
        "2 bytes that are not UTF-8\ndropped 0 empty texts, 3 duplicates (1 of them with another "
        "label)");
}

TEST_CASE("time grows linearly with hostile text") {
  const auto repeated = [](std::string_view part, std::size_t bytes) {
    std::string text;
    while (text.size() < bytes) text += part;
    return text;
  };
  const auto start = std::chrono::steady_clock::now();
  for (const char* part :
       {"<", "<b ", "<!--", "<script>", "<a href='", "&", "&amp;", "&#", "<b x=\""}) {
    clean_text(repeated(part, 4 << 20));
  }
  // Marks in the wrong order, which must be sorted: 4 MB on one letter.
  const std::string marks =
      clean_text(repeated("e\u0301\u0323", 5) + repeated("\u0301\u0323", 4 << 20));
  CHECK(marks.size() < 100);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  CHECK(time.count() < 60);  // quadratic time would be hours
}
