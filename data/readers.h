// The formats that read_dataset knows, one function each. They turn files into rows; read_dataset
// chooses among them and numbers the labels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/files.h"
#include "data/records.h"

namespace gradus::data {

struct Row {
  std::string text;
  std::string label;
  bool test = false;
  std::int64_t line = 0;  // of a table
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
};

// `where` is the data set's path, for messages.

// A folder for each class (folders.cpp). With `imdb`, the classes must be train/pos and train/neg.
Rows read_folders(Files files, bool imdb, const std::string& where);
bool has_class_folders(const Files& files);

// A table (table.cpp), added to `rows`. `where` names the file.
void read_table(std::string_view bytes, const ReadOptions& options, Part part,
                const std::string& where, Rows& rows);
void read_json_lines(std::string_view bytes, const ReadOptions& options, Part part,
                     const std::string& where, Rows& rows);
// Its format by its name and first line. Without labels, lines of text are nothing else: no format.
std::optional<Format> table_format(std::string_view bytes, const ReadOptions& options, bool labels,
                                   const std::string& where);
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
// The part of the name from its last point, lower-cased; "" without one.
std::string ending(std::string_view path);

// The bytes without a mark of their order; throws IoError if they are no text (text_bytes.h).
std::string_view text_of(std::string_view bytes, const std::string& where);
// Throws IoError if `text` is longer than kMaxTextBytes.
void check_text_size(std::size_t bytes, const std::string& where);
[[noreturn]] void fail_reading(const std::string& where, const std::string& reason);

}  // namespace gradus::data
