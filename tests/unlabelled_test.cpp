#include "data/unlabelled.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tensor/error.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::data;

namespace {
std::vector<std::string> read(const std::filesystem::path& path) {
  std::vector<std::string> texts;
  for (const Text& text : read_unlabelled(path)) texts.push_back(text.text);
  return texts;
}
using Strings = std::vector<std::string>;
}  // namespace

TEST_CASE(
    "a file has a text in each line, a folder one in each file, aclImdb its own below unsup") {
  const TemporaryFolder folder;
  CHECK(read(folder.write("lines.txt", "one <b>text</b>\n\n another\r\none text\nlast")) ==
        Strings{"one text", "another", "last"});
  folder.write("plain/b.txt", "second\nstill the second");
  folder.write("plain/deep/c", "third");
  folder.write("plain/a.txt", "first");
  folder.write("plain/picture.png", "no text");
  CHECK(read(folder / "plain") == Strings{"first", "second still the second", "third"});
  folder.write("acl/train/pos/1.txt", "labelled");
  folder.write("acl/train/unsup/1.txt", "unlabelled");
  CHECK(read(folder / "acl") == Strings{"unlabelled"});
}

TEST_CASE("a table has them in its text column") {
  const TemporaryFolder folder;
  CHECK(read(folder.write("a.csv", "id,Review\n1,\"one, text\"\n2,another\n")) ==
        Strings{"one, text", "another"});
  CHECK(read(folder.write("b.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\", \"label\": \"x\"}\n")) ==
        Strings{"a", "b"});
  const auto odd = folder.write("c.tsv", "words\tn\na\t1\n");
  CHECK(read_unlabelled(odd, {.text_column = "words"}).size() == 1);
  REFUSES(IoError, read_unlabelled(odd),
          "[read_dataset] " + odd.string() +
              ", line 1: no text column; the columns are: words, n (choose one with "
              "--text-column; --format lines if these are no names)");
  // Commas and tabs are part of texts where the file does not say that it is a table.
  CHECK(read(folder.write("d.txt", "text, more\nsome\tmore, too\n")) ==
        Strings{"text, more", "some more, too"});
}

TEST_CASE("a column that is chosen makes a table of any file, and must be there") {
  const TemporaryFolder folder;
  const auto texts = [](const std::filesystem::path& path, const ReadOptions& options) {
    Strings all;
    for (const PlacedText& text : read_texts(path, options)) all.push_back(text.text);
    return all;
  };
  const ReadOptions summary{.text_column = "summary"};
  const auto table = folder.write("a.txt", "summary;queue\na;pay\nb;it\n");
  CHECK(texts(table, summary) == Strings{"a", "b"});
  CHECK(texts(folder.write("b.txt", "summary\na\n"), summary) == Strings{"a"});
  const auto refuses = [](const std::filesystem::path& path, const std::string& reason) {
    REFUSES(IoError, read_texts(path, {.text_column = "nonsense"}),
            "[read_dataset] " + path.string() + reason);
  };
  refuses(table,
          ", line 1: no text column 'nonsense'; the columns are: summary, queue (choose one with "
          "--text-column)");
  refuses(folder.write("c.txt", "only lines\n"),
          ", line 1: no text column 'nonsense'; the columns are: only lines (choose one with "
          "--text-column)");
  folder.write("texts/a.txt", "a");
  refuses(folder / "texts", ": --text-column nonsense is for tables, and this is not one");

  // Chosen for another file, it need not be there.
  const ReadOptions elsewhere{.text_column = "summary", .text_column_elsewhere = true};
  CHECK(texts(table, elsewhere) == Strings{"a", "b"});
  CHECK(texts(folder / "c.txt", elsewhere) == Strings{"only lines"});
  CHECK(texts(folder / "texts", elsewhere) == Strings{"a"});
  CHECK(texts(folder.write("d.csv", "text,n\na,1\n"), elsewhere) == Strings{"a"});
}

TEST_CASE("each text knows its place") {
  const TemporaryFolder folder;
  const auto described = [](const std::filesystem::path& path) {
    Strings all;
    for (const PlacedText& text : read_texts(path)) all.push_back(text.place + ": " + text.text);
    return all;
  };
  CHECK(described(folder.write("a.csv", "text,label\n\"a\nb\",x\nc,\n")) ==
        Strings{"line 2: a\nb", "line 4: c"});
  CHECK(described(folder.write("lines.txt", "a\n\nb")) ==
        Strings{"line 1: a", "line 2: ", "line 3: b"});
  folder.write("set/pos/1.txt", "a");
  folder.write("set/neg/1.txt", "b");
  folder.write("set/list.csv", "text\nc\n");
  CHECK(described(folder / "set") == Strings{"neg/1.txt: b", "pos/1.txt: a"});
  folder.write("tables/b.csv", "text\nc\n");
  folder.write("tables/a.csv", "text\nd\n");
  CHECK(described(folder / "tables") == Strings{"a.csv, line 2: d", "b.csv, line 2: c"});
}

TEST_CASE("texts that a model is measured on are not learned from, whatever their labels") {
  std::vector<Text> texts{{"a", 0}, {"b", 0}, {"c", 0}};
  CHECK(drop_held_out(texts, std::vector<Text>{{"c", 1}, {"x", 0}, {"a", 0}}) == 2);
  CHECK(texts == std::vector<Text>{{"b", 0}});
}

TEST_CASE("what read_dataset reads is read likewise, labels or not") {
  const TemporaryFolder folder;
  const auto described = [](const std::filesystem::path& path, const ReadOptions& options = {}) {
    Strings all;
    for (const PlacedText& text : read_texts(path, options)) {
      all.push_back(text.place + ": " + text.text);
    }
    return all;
  };
  folder.write("set/README", "about");
  folder.write("set/reviews.csv", "text,label\na,x\nb,y\n");
  CHECK(described(folder / "set") == Strings{"reviews.csv, line 2: a", "reviews.csv, line 3: b"});
  folder.write("pair/README.txt", "about");
  folder.write("pair/train.csv", "text,label\na,x\n");
  folder.write("pair/test.txt", "y\tb\n");
  CHECK(described(folder / "pair") == Strings{"test.txt, line 1: b", "train.csv, line 2: a"});
  CHECK(described(folder.write("labelled.txt", "x\ta b\n\ny\tc\td\n")) ==
        Strings{"line 1: a b", "line 3: c\td"});
  CHECK(described(folder.write("header.txt", "label;text\nx;a,b\n")) == Strings{"line 2: a,b"});
  CHECK(described(folder.write("quote.txt", "\"Well, he said\nand more\n")) ==
        Strings{"line 1: \"Well, he said", "line 2: and more"});
  for (const char* part : {"adj", "adv", "noun", "verb"}) {
    folder.write(std::string("wn/data.") + part,
                 std::string("  1 licence\n00001740 03 n 01 x 0 000 | a ") + part + "\n");
  }
  CHECK(described(folder / "wn") == Strings{"data.adj, line 2: a adj", "data.adv, line 2: a adv",
                                            "data.noun, line 2: a noun",
                                            "data.verb, line 2: a verb"});
  CHECK(described(folder / "set", {.format = Format::folders}) == Strings{"README: about"});
}

TEST_CASE("where there is no text, that is said") {
  const TemporaryFolder folder;
  folder.write("papers/one.pdf", "%PDF-1.4");
  folder.write("list.txt", "a\nb\n");
  const auto says = [&](const char* name, Format format, const std::string& why) {
    const std::string path = (folder / name).string();
    REFUSES(IoError, read_texts(path, {.format = format}), "[read_dataset] " + path + ": " + why);
  };
  says("papers", Format::automatic, "holds no texts");
  says("list.txt", Format::wordnet,
       "WordNet's data.adj is missing (the Debian package wordnet-base has all four, in "
       "/usr/share/wordnet)");
  says("papers", Format::imdb, "holds no texts");
}

TEST_CASE("bytes that are no text are refused") {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& bytes, const std::string& why) {
    const std::string path = folder.write("bytes", bytes).string();
    REFUSES(IoError, read_unlabelled(path), "[read_dataset] " + path + ": " + why);
  };
  refuses(std::string("abcdefghijklmnopqrstuvwxyz\n\0\1", 29), "is a binary file, not text");
  refuses(
      "\xFF\xFE"
      "a",
      "is UTF-16; save it as UTF-8");
}

TEST_CASE("nothing to read is an error") {
  const TemporaryFolder folder;
  const std::string path = folder.write("empty.txt", "\n \n").string();
  REFUSES(IoError, read_unlabelled(path), "[read_dataset] " + path + ": holds no unlabelled texts");
  CHECK_THROWS_AS(read_unlabelled(folder / "absent"), IoError);
}
