// A data set: labelled texts, read from whatever a user has. The format is found by looking:
//
//   Dataset reviews = read_dataset("aclImdb_v1.tar.gz");
//   Dataset mails = read_dataset("mails.csv", {.text_column = "body", .label_column = "folder"});
//
// imdb       train/{pos,neg} and, if there, test/{pos,neg} with a file for each text; train/unsup and
//            other files are not read. A folder, or an archive of one (tar, zip, 7z; gz, xz, bz2, zst).
// folders    a folder for each class: pos/1.txt, health/a.txt, below it as deep as you like; with
//            train/ and test/ (or Train/ and Test/) above them the data has its own split. Files
//            ending in .txt or without an ending are texts. A folder, whose links are followed, or an
//            archive.
// csv, tsv   records with a header, quoted as RFC 4180 says, with commas or semicolons, or tabs, between
//            their fields; columns are found by name (text, review, content, sentence ...; label,
//            sentiment, category, class ...) or by the options.
// lines      the same without quotes: one record a line, tabs between, with a header or, without
//            one, "label<TAB>text".
// fasttext   lines "__label__name text".
// jsonl      JSON Lines: an object a line, with a text and a label under the names that columns have.
// wordnet    the dictionary's data files data.noun, data.verb, data.adj and data.adv: every
//            definition with the name of its lexicographer file (noun.food, verb.motion ...), 45
//            classes.
// Files of text may be compressed. Texts are as they stand in the files: clean (data/split.h) is next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

// One text is at most 16 MiB long (a novel has 1 MiB): longer ones come from broken files.
inline constexpr std::size_t kMaxTextBytes = std::size_t{16} << 20;
// Many texts are handled this many at a time on each core.
inline constexpr std::int64_t kTextsAtOnce = 256;

struct Text {
  std::string text;
  std::int32_t label = 0;

  friend bool operator==(const Text&, const Text&) = default;
};

struct Dataset {
  std::vector<Text> train;          // every text, if the data has no test split of its own
  std::vector<Text> test;           // the data's own test split, or nothing
  std::vector<std::string> labels;  // by number; sorted by name, numbers by value
  std::string source;               // for people: "an archive with a folder for each class"
  std::vector<std::string> notes;   // for people: what was left out, and why
};

enum class Format { automatic, imdb, folders, csv, tsv, lines, fasttext, jsonl, wordnet };
// "auto", "imdb", "folders" ...; throws Error for another name, listing these.
Format format_named(std::string_view name);
std::vector<std::string> format_names();

struct ReadOptions {
  Format format = Format::automatic;
  std::string text_column = {};        // csv, tsv, lines, jsonl: empty = found by name
  std::string label_column = {};       // the same
  bool text_column_elsewhere = false;  // it was chosen for another file: here it need not be
  // To learn from them, texts of two classes are needed outside of a test split; to measure, any.
  bool to_learn = true;
};

// Throws IoError, naming the file and the line or archive member: nothing at `path`, nothing in it,
// fewer than two classes to learn, a malformed or truncated file, a text above kMaxTextBytes, an archive
// with absolute paths, "..", links or devices. The order of the texts depends on their paths only.
Dataset read_dataset(const std::filesystem::path& path, const ReadOptions& options = {});

}  // namespace gradus::data
