// The formats that read_dataset knows, one function each. They turn files into rows; read_dataset
// chooses among them and numbers the labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.h"
#include "data/files.h"

namespace gradus::data {

struct Row {
  std::string text;
  std::string label;
  bool test = false;
};

struct Rows {
  std::vector<Row> rows;
  std::string source;
  std::vector<std::string> notes;
};

// `where` is the data set's path, for messages.

// A folder for each class (folders.cpp). With `imdb`, the classes must be train/pos and train/neg.
Rows read_folders(Files files, bool imdb, const std::string& where);
bool has_class_folders(const Files& files);

// Delimited text (table.cpp), added to `rows`. `where` names the file.
void read_table(std::string_view bytes, const ReadOptions& options, bool test,
                const std::string& where, Rows& rows);

// WordNet (wordnet.cpp).
Rows read_wordnet(const Files& files, const std::string& where);
bool has_wordnet(const Files& files);

// By the file's name: is it a text of a folder per class, a table, a part of WordNet?
bool is_text_file(std::string_view path);
bool is_table_file(std::string_view path);
bool is_wordnet_file(std::string_view path);

// Throws IoError if `text` is longer than kMaxTextBytes.
void check_text_size(std::size_t bytes, const std::string& where);
[[noreturn]] void fail_reading(const std::string& where, const std::string& reason);

}  // namespace gradus::data
