// The formats that read_dataset knows, one function each. These functions turn files into rows;
// read_dataset chooses among them and numbers the labels. Messages name `where`, its path.
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

// The use of a table.
struct Part {
  bool test = false;
  bool labels = true;  // false: labels may be missing

  // A test part without labels is allowed: it is not used.
  bool needs_labels() const { return labels && !test; }
};

// Reads with the reader for these files (rows.cpp). Without `labels`, all tables and all text files
// are read, wherever they are.
Rows read_rows(Files files, const ReadOptions& options, bool labels, const std::string& where);

// One folder per class (folders.cpp). With `imdb`, the classes must be train/pos and train/neg.
Rows read_folders(Files files, bool imdb, const std::string& where);
std::size_t class_folders(const Files& files);  // how many there are
// Every file that may be a text, without labels.
Rows read_text_files(Files files, const std::string& where);

// Reads a table (table.cpp) and adds it to `rows`. `where` names the file.
void read_table(std::string_view bytes, const ReadOptions& options, Part part,
                const std::string& where, Rows& rows);
void read_json_lines(std::string_view bytes, const ReadOptions& options, Part part,
                     const std::string& where, Rows& rows);
// Whether labels are wanted but missing; if so, adds a note.
bool note_missing_labels(const Columns& columns, Part part, const std::string& where, Rows& rows);
void add_row(std::string text, std::string_view label, Part part, const RecordReader& reader,
             Rows& rows);

// WordNet (wordnet.cpp).
Rows read_wordnet(const Files& files, const std::string& where);
bool has_wordnet(const Files& files);

// What a file is, by its name: a text in a class's folder, a table, a part of WordNet.
bool is_text_file(std::string_view path);
bool is_table_file(std::string_view path);
bool is_json_file(std::string_view path);
bool is_wordnet_file(std::string_view path);
bool is_read(std::string_view path);  // any of these
// Whether the file is in a folder called unsup, where aclImdb has its reviews without labels.
bool below_unsup(std::string_view path);
// The extension with its dot, lower-cased; "" if there is none.
std::string ending(std::string_view path);

// The bytes without a byte order mark. Throws IoError if they are not text (text_bytes.h).
std::string_view text_of(std::string_view bytes, const std::string& where);
// Throws IoError if a text has more than kMaxTextBytes.
void check_text_size(std::size_t bytes, const std::string& where);
[[noreturn]] void fail_reading(const std::string& where, const std::string& reason);

}  // namespace gradus::data
