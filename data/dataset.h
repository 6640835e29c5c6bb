// Reads labelled texts from whatever a user has. The format is detected:
//
//   Dataset reviews = read_dataset("aclImdb_v1.tar.gz");
//   Dataset mails = read_dataset("mails.csv", {.text_column = "body", .label_column = "folder"});
//
// imdb       a folder or archive (tar, zip, 7z; gz, xz, bz2, zst) with train/{pos,neg} and perhaps
//            test/{pos,neg}, one file per text. train/unsup and other files are not read.
// folders    a folder or archive with one folder per class, nested as deep as you like: pos/1.txt,
//            health/a.txt. With train/ and test/ (or Train/ and Test/) above them, the data has its
//            own split. Files that end in .txt or have no extension are texts. Links are followed.
// csv, tsv   records with a header, quoted as in RFC 4180; fields separated by commas or
//            semicolons, or by tabs. Columns are found by name (text, review, content, sentence
//            ...; label, sentiment, category, class ...) or named in the options.
// lines      the same without quotes: one record per line, separated by tabs, with a header; or,
//            without one, "label<TAB>text".
// fasttext   lines "__label__name text".
// jsonl      JSON Lines: one object per line, with a text and a label under the names of columns
//            above.
// wordnet    the dictionary's files data.noun, data.verb, data.adj and data.adv: every definition
//            with the name of its lexicographer file (noun.food, verb.motion ...), 45 classes.
// Text files may be compressed. Texts are not cleaned: clean() (data/split.h) is next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

// The longest text allowed (a novel has 1 MiB): longer ones come from broken files.
inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
// Texts in a chunk of a parallel_for.
inline constexpr std::int64_t kTextsAtOnce = 256;

struct Text {
  std::string text;
  std::int32_t label = 0;

  friend bool operator==(const Text&, const Text&) = default;
};

struct Dataset {
  std::vector<Text> train;          // every text, if the data has no test split of its own
  std::vector<Text> test;           // the data's own test split, or empty
  std::vector<std::string> labels;  // by number; sorted by name, numbers by value
  std::string source;               // to show: "an archive with a folder for each class"
  std::vector<std::string> notes;   // to show: what was left out, and why
};

enum class Format { automatic, imdb, folders, csv, tsv, lines, fasttext, jsonl, wordnet };
// "auto", "imdb", "folders" ...; throws Error for another name, listing these.
Format format_named(std::string_view name);
std::vector<std::string> format_names();

struct ReadOptions {
  Format format = Format::automatic;
  std::string text_column = {};        // csv, tsv, lines, jsonl: empty = found by name
  std::string label_column = {};       // the same
  bool text_column_elsewhere = false;  // it was chosen for another file; here it may be missing
  // Whether two classes are needed outside of the test split, as for training.
  bool to_learn = true;
};

// Throws IoError, naming the file and the line or archive member, if there is nothing at `path` or
// in it, fewer than two classes to learn, a malformed or truncated file, a text above
// kMaxTextBytes, or an archive with absolute paths, "..", links or devices. The order of texts
// depends only on their paths.
Dataset read_dataset(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace gradus::data
