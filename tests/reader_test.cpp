#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <chrono>
#include <clocale>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "data/dataset.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tests/described.h"
#include "tests/temporary_folder.h"

using namespace gradus::data;
namespace fs = std::filesystem;
using Labels = std::vector<std::string>;

namespace {

struct Member {
  std::string name;
  std::string bytes;
  mode_t type = AE_IFREG;  // for a link, `bytes` is its target
  bool hardlink = false;
};

// But for raw.zip names are marked as UTF-8, as most programs do: libarchive does it by the locale.
void write_archive(const fs::path& path, const std::vector<Member>& members) {
  struct archive* a = archive_write_new();
  const std::string name = path.filename().string();
  const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (name != "raw.zip") uselocale(utf8);
  if (name.ends_with(".zip")) {
    archive_write_set_format_zip(a);
  } else if (name.ends_with(".7z")) {
    archive_write_set_format_7zip(a);
  } else {
    archive_write_set_format_pax_restricted(a);
  }
  if (name.ends_with(".gz")) archive_write_add_filter_gzip(a);
  if (name.ends_with(".xz")) archive_write_add_filter_xz(a);
  REQUIRE(archive_write_open_filename(a, path.c_str()) == ARCHIVE_OK);
  for (const Member& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_filetype(entry, member.type);
    archive_entry_set_perm(entry, 0644);
    if (member.hardlink) archive_entry_set_hardlink(entry, member.bytes.c_str());
    if (member.type == AE_IFLNK) archive_entry_set_symlink(entry, member.bytes.c_str());
    const bool data = member.type == AE_IFREG && !member.hardlink;
    archive_entry_set_size(entry, data ? static_cast<la_int64_t>(member.bytes.size()) : 0);
    REQUIRE(archive_write_header(a, entry) >= ARCHIVE_WARN);
    if (data) archive_write_data(a, member.bytes.data(), member.bytes.size());
    archive_entry_free(entry);
  }
  archive_write_close(a);
  archive_write_free(a);
  uselocale(LC_GLOBAL_LOCALE);
  freelocale(utf8);
}

// The message of the IoError without "[read_dataset] " and the temporary folder.
std::string error_of(const fs::path& path, const ReadOptions& options = {}) {
  try {
    read_dataset(path, options);
  } catch (const gradus::IoError& error) {
    std::string text = error.what();
    const std::string prefix = "[read_dataset] " + path.parent_path().string() + "/";
    CHECK(text.starts_with("[read_dataset] "));
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  return "no error";
}

}  // namespace

TEST_CASE("aclImdb as a folder and as an archive") {
  const TemporaryFolder tmp;
  const std::vector<Member> members{{"aclImdb/README", "read me"},
                                    {"aclImdb/imdb.vocab", "the"},
                                    {"aclImdb/train/urls_pos.txt", "http://"},
                                    {"aclImdb/train/neg/0_3.txt", "bad"},
                                    {"aclImdb/train/neg/10_1.txt", "awful"},
                                    {"aclImdb/train/pos/0_9.txt", "good"},
                                    {"aclImdb/train/unsup/0_0.txt", "who knows"},
                                    {"aclImdb/train/unsup/1_0.txt", "who knows"},
                                    {"aclImdb/test/pos/0_10.txt", "great"}};
  for (const Member& m : members) tmp.write(m.name, m.bytes);
  write_archive(tmp / "a.tar.gz", members);
  write_archive(tmp / "a.zip", members);
  for (const fs::path& path : {tmp / "aclImdb", tmp.path() / "a.tar.gz", tmp / "a.zip"}) {
    for (const Format format : {Format::automatic, Format::imdb}) {
      CAPTURE(path);
      const Dataset d = read_dataset(path, {.format = format});
      CHECK(d.labels == Labels{"neg", "pos"});
      CHECK(train(d) == Labels{"neg: bad", "neg: awful", "pos: good"});
      CHECK(described(d, d.test) == Labels{"pos: great"});
      CHECK(d.notes ==
            Labels{"2 texts without a label (unsup) not used", "3 other files not used"});
    }
  }
  // The train part alone, and the folder train itself.
  fs::remove_all(tmp / "aclImdb/test");
  CHECK(read_dataset(tmp / "aclImdb").test.empty());
  CHECK(read_dataset(tmp / "aclImdb/train").labels == Labels{"neg", "pos"});
  fs::rename(tmp / "aclImdb/train/pos", tmp / "aclImdb/train/positive");
  CHECK(error_of(tmp / "aclImdb", {.format = Format::imdb}) ==
        "aclImdb: is not aclImdb: train/ should hold pos and neg, it holds neg, positive");
}

TEST_CASE("a folder for each class, as a folder and in archives") {
  const TemporaryFolder tmp;
  const std::vector<Member> members{{"news/README.txt", "about"},
                                    {"news/health/b.txt", "pills"},
                                    {"news/health/2004/a.txt", "doctors"},
                                    {"news/food/100", "bread"},
                                    {"news/food/picture.jpg", "\xFF\xD8"},
                                    {"news/.hidden/x.txt", "no"},
                                    {"news/健康/一.txt", "药"},
                                    {"__MACOSX/news/food/100", "no"}};
  for (const Member& m : members) tmp.write("files/" + m.name, m.bytes);
  write_archive(tmp / "a.tar", members);
  write_archive(tmp / "a.tar.xz", members);
  for (const std::string name : {"a.zip", "raw.zip", "a.7z"}) write_archive(tmp / name, members);
  for (const std::string name :
       {"files", "files/news", "a.tar", "a.tar.xz", "a.zip", "raw.zip", "a.7z"}) {
    CAPTURE(name);
    const Dataset d = read_dataset(tmp / name);
    CHECK(d.labels == Labels{"food", "health", "健康"});
    CHECK(train(d) == Labels{"food: bread", "health: doctors", "health: pills", "健康: 药"});
    CHECK(d.notes == Labels{"2 other files not used"});
  }
}

TEST_CASE("a class may be called train") {
  const TemporaryFolder tmp;
  tmp.write("vehicles/train/1.txt", "rails");
  tmp.write("vehicles/car/1.txt", "wheels");
  CHECK(read_dataset(tmp / "vehicles").labels == Labels{"car", "train"});
}

TEST_CASE("CSV: quotes, line ends, byte order mark, columns by name") {
  const TemporaryFolder tmp;
  const auto csv = tmp.write("a.csv",
                             "\xEF\xBB\xBFid,Review,Sentiment\r\n"
                             "1,\"two\r\nlines, and \"\"quotes\"\"\",pos\r\n"
                             "\r\n"
                             "2,plain 5\" disk, neg \r\n"
                             "3,\"\",neg");
  const Dataset d = read_dataset(csv);
  CHECK(train(d) == Labels{"pos: two\r\nlines, and \"quotes\"", "neg: plain 5\" disk", "neg: "});
  CHECK(d.source == "CSV with the columns 'Review' and 'Sentiment'");

  const auto odd = tmp.write("odd.csv", "a,b,text\nx,1,t\ny,2,u\n");
  CHECK(train(read_dataset(odd, {.text_column = "A", .label_column = "b"})) ==
        Labels{"1: x", "2: y"});
  const auto semicolons = tmp.write("s.txt", "label;text\n1;a,b\n2;\"c;d\"\n");
  CHECK(train(read_dataset(semicolons)) == Labels{"1: a,b", "2: c;d"});
  const auto tsv = tmp.write("a.tsv", "sentence\tlabel\n\"a\tb\"\t0\nc\t1\n");
  CHECK(train(read_dataset(tsv)) == Labels{"0: a\tb", "1: c"});
  const auto raw = tmp.write("raw.tsv", "sentence\tlabel\n\"open\t0\nc\t1\n");
  CHECK(train(read_dataset(raw, {.format = Format::lines})) == Labels{"0: \"open", "1: c"});
}

TEST_CASE("lines of label, tab, text; fastText") {
  const TemporaryFolder tmp;
  const auto lines = tmp.write("a.txt", "pos\t\"Great\" film\nneg\tbad\tvery bad\r\n\npos\t\n");
  CHECK(train(read_dataset(lines)) == Labels{"pos: \"Great\" film", "neg: bad\tvery bad", "pos: "});
  const auto fasttext = tmp.write("b.txt", "__label__x a b\n__label__y\tc , \"d\"\n");
  CHECK(train(read_dataset(fasttext)) == Labels{"x: a b", "y: c , \"d\""});
  const auto two = tmp.write("c.txt", "__label__x a\n__label__x __label__y b\n");
  CHECK(error_of(two) == "c.txt, line 2: has more than one label");
}

TEST_CASE("labels are sorted, numbers by value") {
  const TemporaryFolder tmp;
  const auto csv =
      tmp.write("a.csv", "text,label\na,10\nb,9\nc,-1\nd,nan\ne,Zed\nf,alpha\ng,2.5\n");
  CHECK(read_dataset(csv).labels == Labels{"-1", "2.5", "9", "10", "Zed", "alpha", "nan"});
}

TEST_CASE("compressed tables, and train and test tables in one place") {
  const TemporaryFolder tmp;
  tmp.write("set/train.csv", "text,label\na,0\nb,1\n");
  tmp.write("set/test.csv", "text,label\nc,1\n");
  const Dataset d = read_dataset(tmp / "set");
  CHECK(train(d) == Labels{"0: a", "1: b"});
  CHECK(described(d, d.test) == Labels{"1: c"});

  struct archive* a = archive_write_new();
  archive_write_set_format_raw(a);
  archive_write_add_filter_gzip(a);
  archive_write_open_filename(a, (tmp / "x.csv.gz").c_str());
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(a, entry);
  archive_write_data(a, "text,label\na,0\nb\n", 17);
  archive_entry_free(entry);
  archive_write_close(a);
  archive_write_free(a);
  CHECK(error_of(tmp / "x.csv.gz") ==
        "x.csv.gz, x.csv, line 3: 1 fields, but the header has 2 (text, label); a field that holds "
        "the "
        "delimiter must be quoted");
}

TEST_CASE("malformed tables are refused with their line") {
  const TemporaryFolder tmp;
  const std::map<std::string, std::string> cases{
      {"text,label\na,0\n\"b\nc,1\nd,0\n", "line 3: the quote that opens here is never closed"},
      {"text,label\n\"a\nb\",0\n\nc,1,2\n",
       "line 5: 3 fields, but the header has 2 (text, label); a field that holds the delimiter "
       "must be "
       "quoted"},
      {"text,label\n\"a\" b,0\n",
       "line 2: 'b,0' follows a closing quote; a quote inside a field is written twice"},
      {"text,label\na,0\nb, \n", "line 3: the label is empty"},
      {"words,label\na,0\n",
       "line 1: no text column; the columns are: words, label (choose one with --text-column)"},
      {"text,mark\na,0\n",
       "line 1: no label column; the columns are: text, mark (choose one with --label-column)"}};
  for (const auto& [bytes, message] : cases) {
    CHECK(error_of(tmp.write("a.csv", bytes)) == "a.csv, " + message);
  }
  const auto good = tmp.write("good.csv", "text,label\na,0\nb,1\n");
  CHECK(error_of(good, {.text_column = "body"}) ==
        "good.csv, line 1: no text column 'body'; the columns are: text, label (choose one with "
        "--text-column)");
  CHECK(error_of(good, {.label_column = "text"}) ==
        "good.csv, line 1: text and label are the same column");
  CHECK(error_of(tmp.write("l.txt", "pos\tx\nneg y\n")) ==
        "l.txt, line 2: no tab between a label and a text");
}

TEST_CASE("files that are no data set are refused with a sentence") {
  const TemporaryFolder tmp;
  CHECK(error_of(tmp / "nothing") == "nothing: there is no such file or folder");
  CHECK(error_of(tmp.write("empty.csv", "")) == "empty.csv: the file is empty");
  CHECK(error_of(tmp.write("blank.csv", " \n\n")) == "blank.csv: the file is empty");
  CHECK(error_of(tmp.write("head.csv", "text,label\n")) == "head.csv: holds no texts");
  CHECK(
      error_of(tmp.write("prose.txt", "Just some prose\nand more\n")) ==
      "prose.txt: is in none of the known formats: label<TAB>text, CSV or TSV with a header, JSON "
      "Lines, fastText");
  CHECK(error_of(tmp.write("utf16.csv", std::string("\xFF\xFEt\0", 4))) ==
        "utf16.csv: is UTF-16; save it as UTF-8");
  CHECK(error_of(tmp.write("binary", std::string("\x7F"
                                                 "ELF\0\1\2",
                                                 7))) == "binary: is a binary file, not text");
  CHECK(error_of(tmp.write("one.csv", "text,label\na,x\nb,x\n")) ==
        "one.csv: all 2 texts have the label 'x'; a classifier needs at least two different ones");
  fs::create_directories(tmp / "hollow/neg");
  CHECK(error_of(tmp / "hollow") == "hollow: the folder or archive is empty");
  tmp.write("single/neg/a.txt", "x");
  CHECK(error_of(tmp / "single") ==
        "single: all 1 texts have the label 'neg'; a classifier needs at least two different ones");
  CHECK_THROWS_WITH_AS(
      format_named("xml"),
      "[read_dataset] 'xml' is no format; there are auto, imdb, folders, csv, tsv, "
      "lines, fasttext, jsonl, wordnet",
      gradus::Error);
  for (const std::string& name : format_names()) CHECK_NOTHROW(format_named(name));
}

TEST_CASE("hostile archives are refused and the member is named") {
  const TemporaryFolder tmp;
  const Member good{"a/1.txt", "x"};
  const Member also{"b/1.txt", "y"};
  const std::vector<std::pair<Member, std::string>> cases{
      {{"/etc/passwd", "x"}, "'/etc/passwd' has an absolute path"},
      {{"a/../../x.txt", "x"}, "'a/../../x.txt' has '..' in its path"},
      {{"..\\x.txt", "x"}, "'..\\x.txt' has '..' in its path"},
      {{"C:\\x.txt", "x"}, "'C:\\x.txt' has an absolute path"},
      {{"a/link.txt", "/etc/passwd", AE_IFLNK}, "'a/link.txt' is a link"},
      {{"a/hard.txt", "a/1.txt", AE_IFREG, true}, "'a/hard.txt' is a link"},
      {{"a/device", "", AE_IFCHR}, "'a/device' is neither a file nor a folder"},
      {{"a/pipe", "", AE_IFIFO}, "'a/pipe' is neither a file nor a folder"}};
  for (const auto& [member, message] : cases) {
    const std::string& name = member.name;
    CAPTURE(name);
    write_archive(tmp / "bad.tar.gz", {good, also, member});
    CHECK(error_of(tmp / "bad.tar.gz") == "bad.tar.gz: refused: the archive's member " + message);
  }
  write_archive(tmp / "bad.zip", {good, also, {"../x.txt", "x"}});
  CHECK(error_of(tmp / "bad.zip") ==
        "bad.zip: refused: the archive's member '../x.txt' has '..' in its path");
  write_archive(tmp / "link.zip", {good, also, {"a/l.txt", "1.txt", AE_IFLNK}});
  CHECK(error_of(tmp / "link.zip") ==
        "link.zip: refused: the archive's member 'a/l.txt' is a link");
  write_archive(tmp / "good.tar.gz", {good, also});
  CHECK(train(read_dataset(tmp / "good.tar.gz")) == Labels{"a: x", "b: y"});
}

TEST_CASE("truncated and damaged archives are refused") {
  const TemporaryFolder tmp;
  std::string noise;  // so that the archive does not compress to nothing
  for (unsigned i = 0, x = 1; i < 50000; ++i)
    noise += static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  for (const std::string name : {"a.tar.gz", "a.zip", "a.tar", "a.tar.xz"}) {
    CAPTURE(name);
    write_archive(tmp / name, {{"a/1.txt", noise}, {"b/1.txt", noise}});
    CHECK(read_dataset(tmp / name).train.size() == 2);
    std::ifstream file(tmp / name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    for (const std::size_t size : {bytes.size() / 4, bytes.size() / 2, bytes.size() * 3 / 4}) {
      const auto cut = tmp.write(std::string("cut-") + name, bytes.substr(0, size));
      CHECK(error_of(cut).find("cannot be read as an archive (truncated or damaged?): ") !=
            std::string::npos);
    }
  }
  CHECK(error_of(tmp.write("fake.tar.gz",
                           "\x1F\x8B"
                           "no gzip at all")) == "fake.tar.gz: is not an archive");
  CHECK(
      error_of(tmp.write("fake.zip", "PK\x03\x04 no zip at all")).starts_with("fake.zip: cannot"));
}

TEST_CASE("a text of 100 MB is refused at once, wherever it is") {
  const TemporaryFolder tmp;
  const std::string huge(100 << 20, 'x');
  const auto start = std::chrono::steady_clock::now();
  const std::string says =
      ": a text of 100 MiB; at most 16 MiB are taken (is a quote or a line end missing?)";
  CHECK(error_of(tmp.write("a.csv", "text,label\nshort,0\n" + huge + ",1\n")) ==
        "a.csv, line 3" + says);
  CHECK(error_of(tmp.write("a.csv", "text,label\n\"" + huge + "\",1\n")) == "a.csv, line 2" + says);
  CHECK(error_of(tmp.write("a.csv", "text,label\n\"" + huge)) ==
        "a.csv, line 2: the quote that opens here is never closed");
  tmp.write("dir/a/1.txt", huge);
  tmp.write("dir/b/1.txt", "y");
  CHECK(error_of(tmp / "dir") == "dir, file a/1.txt" + says);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  CHECK(time.count() < 60);
}

TEST_CASE("a text at the limit is taken") {
  const TemporaryFolder tmp;
  const std::string large(kMaxTextBytes, 'x');
  const auto path = tmp.write("a.csv", "text,label\n\"" + large + "\",1\ny,0\n");
  CHECK(read_dataset(path).train[0].text.size() == kMaxTextBytes);
}

TEST_CASE("reading does not depend on the number of threads or the order of creation") {
  const TemporaryFolder tmp;
  for (int i = 0; i < 300; ++i) {
    const std::string name = std::to_string(i * 7919 % 300) + ".txt";
    tmp.write((i % 2 != 0 ? "one/b/" : "one/a/") + name, name);
  }
  for (int i = 299; i >= 0; --i) {
    const std::string name = std::to_string(i * 7919 % 300) + ".txt";
    tmp.write((i % 2 != 0 ? "two/b/" : "two/a/") + name, name);
  }
  const int before = gradus::num_threads();
  gradus::set_num_threads(1);
  const Dataset expected = read_dataset(tmp / "one");
  gradus::set_num_threads(4);
  CHECK(read_dataset(tmp / "two").train == expected.train);
  gradus::set_num_threads(before);
}
