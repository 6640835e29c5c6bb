// The formats that read_dataset knows, one function each. They turn files into rows; read_dataset
// chooses among them and numbers the labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/fields.h"
#include "data/files.h"
#include "data/records.h"

namespace gradus::data {

struct Row {
  std::string text;
  std::string label;
  bool test = false;
  std::int64_t line = 0;  // of a table or of WordNet
  std::string file = {};  // of a folder or archive
};

struct Rows {
  std::vector<Row> rows;
  std::string source;
  std::vector<std::string> notes;
};

// What a table is read for.
struct Part {
  bool test = false;
  bool labels = true;  // else they may be missing

  // Those of a test part may: then it is not used.
  bool needs_labels() const { return labels && !test; }
};

// `where` is the data set's path, for messages.

// By the reader that is for these files (rows.cpp): the same with labels and without, but that without
// them all tables are read, and all files of texts, wherever they lie.
Rows read_rows(Files files, const ReadOptions& options, bool labels, const std::string& where);

// A folder for each class (folders.cpp). With `imdb`, the classes must be train/pos and train/neg.
Rows read_folders(Files files, bool imdb, const std::string& where);
std::size_t class_folders(const Files& files);  // how many
// Every file that may be a text, without labels.
Rows read_text_files(Files files, const std::string& where);

// A table (table.cpp), added to `rows`. `where` names the file.
void read_table(std::string_view bytes, const ReadOptions& options, Part part,
                const std::string& where, Rows& rows);
void read_json_lines(std::string_view bytes, const ReadOptions& options, Part part,
                     const std::string& where, Rows& rows);
// Whether labels are wanted that are not there, which becomes a note.
bool note_missing_labels(const Columns& columns, Part part, const std::string& where, Rows& rows);
void add_row(std::string text, std::string_view label, Part part, const RecordReader& reader,
             Rows& rows);

// WordNet (wordnet.cpp).
Rows read_wordnet(const Files& files, const std::string& where);
bool has_wordnet(const Files& files);

// By the file's name: is it a text of a folder per class, a table, a part of WordNet?
bool is_text_file(std::string_view path);
bool is_table_file(std::string_view path);
bool is_json_file(std::string_view path);
bool is_wordnet_file(std::string_view path);
bool is_read(std::string_view path);  // any of these
// In a folder of the name that aclImdb gives to its reviews without a label.
bool below_unsup(std::string_view path);
// The part of the name from its last point, lower-cased; "" without one.
std::string ending(std::string_view path);

// The bytes without a mark of their order; throws IoError if they are no text (text_bytes.h).
std::string_view text_of(std::string_view bytes, const std::string& where);
// Throws IoError if `text` is longer than kMaxTextBytes.
void check_text_size(std::size_t bytes, const std::string& where);
[[noreturn]] void fail_reading(const std::string& where, const std::string& reason);

}  // namespace gradus::data
