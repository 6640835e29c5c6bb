// Which files of a folder are read, and as what.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "data/dataset.h"
#include "tests/described.h"
#include "tests/temporary_folder.h"

using namespace gradus::data;
using Labels = std::vector<std::string>;

TEST_CASE("tables in a folder of their own are no class") {
  const TemporaryFolder tmp;
  const auto read = [&](const char* name) {
    const Dataset d = read_dataset(tmp / name);
    CHECK(described(d, d.test) == Labels{"y: c"});
    return train(d);
  };
  tmp.write("plain/set/train.txt", "x\ta\ny\tb\n");
  tmp.write("plain/set/test.txt", "y\tc\n");
  CHECK(read("plain") == Labels{"x: a", "y: b"});
  tmp.write("sure/set/README", "about");
  tmp.write("sure/set/train.tsv", "text\tlabel\na\tx\nb\ty\n");
  tmp.write("sure/set/test.tsv", "text\tlabel\nc\ty\n");
  CHECK(read("sure") == Labels{"x: a", "y: b"});
}

TEST_CASE("a folder unsup is without labels wherever it is") {
  const TemporaryFolder tmp;
  tmp.write("set/pos/1.txt", "a");
  tmp.write("set/pos/unsup/2.txt", "b");
  tmp.write("set/neg/1.txt", "c");
  const Dataset d = read_dataset(tmp / "set");
  CHECK(train(d) == Labels{"neg: c", "pos: a"});
  CHECK(d.notes == Labels{"1 texts without a label (unsup) not used"});
}

TEST_CASE("train and test are those of one place, in any case of letters") {
  const TemporaryFolder tmp;
  tmp.write("set/Train/pos/1.txt", "a");
  tmp.write("set/Train/neg/1.txt", "b");
  tmp.write("set/TEST/pos/1.txt", "c");
  tmp.write("set/old/test/neg/1.txt", "d");
  const Dataset d = read_dataset(tmp / "set");
  CHECK(train(d) == Labels{"neg: b", "pos: a"});
  CHECK(described(d, d.test) == Labels{"pos: c"});
  CHECK(d.notes == Labels{"1 texts in old not used: only train and test are"});
}

TEST_CASE("a text may begin as archives do") {
  const TemporaryFolder tmp;
  CHECK(train(read_dataset(tmp.write("a.txt", "BZh\tx\nPK\ty\n"))) == Labels{"BZh: x", "PK: y"});
}

TEST_CASE("JSON Lines with bytes that are no UTF-8, and with halves of characters") {
  const TemporaryFolder tmp;
  const std::string odd = "\xEF\xBF\xBD", emoji = "\xF0\x9F\x98\x80";  // U+FFFD, U+1F600
  const auto lines = tmp.write("a.jsonl",
                               "{\"text\": \"caf\xE9\", \"label\": \"x\"}\n"
                               "{\"text\": \"th\xC3\xA9\", \"label\": \"y\"}\n"
                               R"({"text": "\ud83d\uDE00 \ud83d", "label": "y"})"
                               "\n"
                               R"({"text": "\ude00\ud83d\ud83d\ude00 \\ud83d", "label": "y"})");
  CHECK(train(read_dataset(lines)) == Labels{"x: caf" + odd, "y: th\xC3\xA9",
                                             "y: " + emoji + " " + odd,
                                             "y: " + odd + odd + emoji + " \\ud83d"});
}
