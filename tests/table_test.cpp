// Tables and folders that are not quite what they seem: read as they were meant, with a note, or refused
// with what to do.

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/text_bytes.h"
#include "data/unlabelled.h"
#include "tensor/error.h"
#include "tests/described.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::data;
namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {

Strings read(const fs::path& path, const ReadOptions& options = {}) {
  return train(read_dataset(path, options));
}

}  // namespace

TEST_CASE("JSON Lines: an object a line, with the names that columns have") {
  const TemporaryFolder tmp;
  const Strings two{"1: a\tb", "2.5: \"c\""};
  const std::string lines =
      "{\"id\": 7, \"Review\": \"a\\tb\", \"stars\": 1}\n\n"
      "{\"stars\": 2.5, \"Review\": \"\\\"c\\\"\", \"more\": {}}\r\n";
  CHECK(read(tmp.write("a.jsonl", lines)) == two);
  CHECK(read(tmp.write("a.txt", lines)) == two);
  CHECK(read(tmp.write("set/train.ndjson", lines).parent_path()) == two);
  CHECK(read(tmp.write("odd", "{\"t\": \"x\", \"l\": \"y\"}\n{\"t\": \"\", \"l\": true}\n"),
             {.format = Format::jsonl, .text_column = "t", .label_column = "l"}) ==
        Strings{"y: x", "true: "});

  CHECK(read(tmp.write("case.jsonl", R"({"text": "a", "Class": 1, "class": 2}
                                         {"text": "b", "Class": 3, "class": 4})"),
             {.label_column = "class"}) == Strings{"2: a", "4: b"});

  refuses(
      tmp.write("b.jsonl", lines + "{\"Review\": \"d\", \"stars\": 1\n"),
      ", line 4: '{\"Review\": \"d\", \"stars\": 1' is not a JSON object; each line must be one");
  refuses(tmp.write("b.jsonl", lines + "{\"Review\": \"d\"}"),
          ", line 4: 'stars' is missing, or neither a text nor a number");
  refuses(tmp.write("b.jsonl", lines + "{\"Review\": [], \"stars\": 1}"),
          ", line 4: 'Review' is missing, or neither a text nor a number");
  refuses(
      tmp.write("b.jsonl", "{\"text\": \"d\", \"mark\": 1}"),
      ", line 1: no label column; the columns are: text, mark (choose one with --label-column)");
  refuses(tmp.write("b.jsonl", "{\"a\": 1}"),
          ", line 1: no text column; the columns are: a (choose one with --text-column)");
  refuses(tmp.write("b.json", "[\n {\"text\": \"d\", \"label\": 1}\n]"),
          ": is a JSON array; JSON Lines are read, an object a line (jq -c '.[]' writes them)");
}

TEST_CASE("quotes in a TSV that swallow lines are noted, and --format lines is named") {
  const TemporaryFolder tmp;
  const auto stray = tmp.write("a.tsv", "text\tlabel\nx\t0\n\"y\t0\nz\t1\nv\"\t1\nw\t0\n");
  const Dataset d = read_dataset(stray);
  CHECK(d.train.size() == 3);  // of five
  CHECK(d.notes ==
        Strings{"quoted fields that hold a tab or a line end: 1, the first in line 3; if quotes "
                "are part of the texts, choose --format lines"});
  const Dataset lines = read_dataset(stray, {.format = Format::lines});
  CHECK(lines.train.size() == 5);
  CHECK(lines.notes.empty());
  refuses(
      tmp.write("b.tsv", "text\tlabel\nx\t0\n\"y\t1\n"),
      ", line 3: the quote that opens here is never closed; --format lines takes quotes as they "
      "are");
  refuses(
      tmp.write("b.tsv", "text\tlabel\n\"y\" z\t1\n"),
      ", line 2: 'z 1' follows a closing quote; a quote inside a field is written twice; --format "
      "lines takes quotes as they are");
  CHECK(read_dataset(tmp.write("c.csv", "text,label\n\"x\ny\",0\nz,1\n")).notes.empty());
}

TEST_CASE("a CSV without a header, or with other delimiters, is told what to do") {
  const TemporaryFolder tmp;
  refuses(tmp.write("ag.csv",
                    "\"3\",\"Wall St. Bears Claw Back\",\"Short-sellers, Wall Street's "
                    "dwindling band of ultra-cynics, see green\"\n"),
          ", line 1: the first line must name the columns, but it names no text or label column: "
          "3, Wall St. Bears Claw Back, Short-sellers, Wall Street's dwindling b... (put a "
          "line such as text,label before it, or choose with --text-column and --label-column)");
  refuses(tmp.write("tabs.csv", "text\tlabel\na\tx\n"),
          ", line 1: has tabs between its fields, not commas; --format tsv reads that");
  CHECK(read(tmp.path() / "tabs.csv", {.format = Format::tsv, .to_learn = false}) ==
        Strings{"x: a"});
  refuses(tmp.write("bars.csv", "text|label\na|x\n"),
          ", line 1: has '|' between its fields; commas, semicolons and tabs are read");
}

TEST_CASE("what Excel writes before and behind a table is no part of it") {
  const TemporaryFolder tmp;
  const Strings two{"x: a, b", "y: c; d"};
  CHECK(read(tmp.write("a.csv",
                       "\xEF\xBB\xBFsep=;\r\nlabel;text\r\nx;a, b\r\ny;\"c; d\"\r\n;\r\n")) == two);
  CHECK(read(tmp.write("b.csv", "sep=|\nlabel|text\nx|a, b\ny|c; d\n")) == two);
  CHECK(read(tmp.write("c.csv", "text,label\na,x\n,\nb,y\n,,,\n\"\",\n")) ==
        Strings{"x: a", "y: b"});
  refuses(
      tmp.write("d.csv", "sep=;\nlabel;text\nx;a\ny;b;c\n"),
      ", line 4: 3 fields, but the header has 2 (label, text); a field that holds the delimiter "
      "must be quoted");
}

TEST_CASE("spaces around quotes are no part of what is quoted") {
  const TemporaryFolder tmp;
  CHECK(read(tmp.write("b.csv", "text,label\n\"a, b\" ,\"c\"  \r\nd,\"e\" ")) ==
        Strings{"c: a, b", "e: d"});
  CHECK(read(tmp.write("a.csv", "text, \"label\"\nfine, \"pos\"\ndull,neg\n")) ==
        Strings{"pos: fine", "neg: dull"});
}

TEST_CASE("tables and folders that are not used are named") {
  const TemporaryFolder tmp;
  const std::string table = "text,label\na,0\nb,1\n";
  for (const char* name : {"set/Train.csv", "set/train.txt", "set/valid.csv", "set/test.csv"}) {
    tmp.write(name, table);
  }
  const Dataset d = read_dataset(tmp / "set");
  CHECK(d.test.size() == 2);
  CHECK(d.notes == Strings{"not used: train.txt, valid.csv"});
  tmp.write("two/data.csv", table);
  tmp.write("two/README.txt", "about");
  refuses(tmp / "two",
          ": holds 2 tables and none is called train; name one of them: README.txt, data.csv");

  for (const char* name : {"all/train/a/1.txt", "all/train/b/1.txt", "all/val/a/1.txt",
                           "all/val/b/1.txt", "all/README", "all/val/x.png"}) {
    tmp.write(name, name);
  }
  CHECK(read_dataset(tmp / "all").notes ==
        Strings{"2 texts in val not used: only train and test are", "2 other files not used"});
}

TEST_CASE(
    "labels that differ stay two: markup is no markup there, and what is not UTF-8 is refused") {
  const TemporaryFolder tmp;
  CHECK(read(tmp.write("a.csv", "text,label\na,List<i>\nb,List<b>\nc,R&amp;D\nd, R&D \n")) ==
        Strings{"List<i>: a", "List<b>: b", "R&amp;D: c", "R&D: d"});
  refuses(tmp.write("b.csv",
                    "text,label\na,R\xFC"
                    "ckgabe\nb,R\xE4"
                    "ckgabe\n"),
          ", line 2: the label 'R\xEF\xBF\xBD"
          "ckgabe' is not UTF-8; convert the file first, as "
          "with iconv -f latin1 -t utf-8");
  tmp.write(
      "set/Gr\xF6\xDF"
      "e/1.txt",
      "a");
  tmp.write("set/other/1.txt", "b");
  refuses(tmp / "set",
          ", file Gr\xF6\xDF"
          "e/1.txt: the name of its folder, the label, is not UTF-8; rename it");
}

TEST_CASE("a test table without labels is not used, which is noted") {
  struct Test {
    const char *name, *table;
  };
  for (const Test& test : {Test{"test.csv", "id,text\n3,c\n"},
                           {"test.tsv", "id\ttext\n3\tc\n"},
                           {"test.jsonl", "{\"id\": 3, \"text\": \"c\"}\n"}}) {
    CAPTURE(test.name);
    const TemporaryFolder set;
    set.write("train.csv", "id,text,label\n1,a,0\n2,b,1\n");
    set.write(test.name, test.table);
    const Dataset d = read_dataset(set.path());
    CHECK(d.train.size() == 2);
    CHECK(d.test.empty());
    CHECK(d.notes ==
          Strings{set.path().string() + ", " + test.name + " has no column of labels: not used"});
  }
}

TEST_CASE("links to folders are followed, each folder once") {
  const TemporaryFolder tmp;
  tmp.write("store/pos/1.txt", "fine");
  tmp.write("store/neg/1.txt", "dull");
  tmp.write("data/odd/1.txt", "what");
  fs::create_directory_symlink(tmp / "store/pos", tmp / "data/pos");
  fs::create_directory_symlink("../store/neg", tmp / "data/neg");
  fs::create_directory_symlink("odd", tmp / "data/again");          // has a name of its own
  fs::create_directory_symlink("../../data", tmp / "data/odd/up");  // a loop
  CHECK(read(tmp / "data") == Strings{"neg: dull", "odd: what", "pos: fine"});
  fs::create_symlink("nowhere", tmp / "data/lost");
  refuses(tmp / "data/lost", ": there is no such file or folder");
  REFUSES(IoError, read_dataset(tmp / "data"),
          "[read_dataset] " + (tmp / "data/lost").string() + ": is a link to nothing");
}

TEST_CASE("what is no file is refused, with what to do") {
  refuses("/dev/null",
          ": is neither a file nor a folder; what comes through a pipe must be written to a file");
}

TEST_CASE("a tar cut between two members is refused") {
  const TemporaryFolder tmp;
  tmp.write("neg/1.txt", "dull");
  tmp.write("pos/1.txt", "fine");
  const std::string command = "cd '" + tmp.path().string() +
                              "' && tar --format=ustar -cf all.tar neg/1.txt pos/1.txt && "
                              "head -c 1024 all.tar > cut.tar";
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(read(tmp / "all.tar") == Strings{"neg: dull", "pos: fine"});
  refuses(tmp / "cut.tar", ": is cut off: the mark at the end of a tar archive is missing");
}

TEST_CASE("why bytes are no text") {
  using namespace std::string_view_literals;
  const std::string_view binary = "is a binary file, not text";
  CHECK(why_no_text("").empty());
  CHECK(why_no_text("BZh").empty());
  CHECK(why_no_text("a fine\0 film\n\0\0\n"sv).empty());       // one of twelve
  CHECK(why_no_text("\xCF\xF0\xE8\xE2\xE5\xF2\n"sv).empty());  // Windows-1251
  CHECK(why_no_text("\xFF\xFE"
                    "a\0\n\0"sv) == "is UTF-16; save it as UTF-8");
  CHECK(why_no_text("text \x82\xE4\xDA\xFF\x90\xC8\xA0\xB1\x12 and it"sv) == binary);
  CHECK(why_no_text("a\0b\0c\0\n\0"sv) == binary);
  CHECK(why_no_text("\x8A\x1C\1\0\0\0\0\0{\"__metadata__\":{\"config\":\"{\\\"encoder"sv) ==
        binary);  // safetensors
  CHECK(why_no_text("\x1F\x8B\x08\0"sv) == "is compressed or an archive, not text");
}
