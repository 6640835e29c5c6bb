// Which reader a folder, an archive or a file is for.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "data/readers.h"
#include "data/utf8.h"

namespace gradus::data {

namespace {

// "train" of "a/Train.csv".
std::string stem(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  name.resize(std::min(name.rfind('.'), name.size()));
  std::ranges::transform(name, name.begin(), ascii_lower);
  return name;
}

// The files' names, a few of them if they are many.
std::string listed(const std::vector<const File*>& files) {
  constexpr std::size_t kShown = 5;
  std::vector<std::string_view> names;
  for (const File* file : files) names.emplace_back(file->path);
  const bool all = names.size() <= kShown;
  names.resize(std::min(names.size(), kShown));
  return fmt::format("{}{}", fmt::join(names, ", "), all ? "" : ", ...");
}

// A .txt file may be a table or a text.
bool is_surely_table(std::string_view path) { return is_table_file(path) && !is_text_file(path); }

const File* named(const std::vector<const File*>& tables, std::string_view name) {
  const auto found =
      std::ranges::find_if(tables, [&](const File* file) { return stem(file->path) == name; });
  return found == tables.end() ? nullptr : *found;
}

std::vector<const File*> tables_in(const Files& files) {
  std::vector<const File*> tables;
  for (const File& file : files.files) {
    if (files.kind == Files::Kind::file || is_table_file(file.path)) tables.push_back(&file);
  }
  return tables;
}

// Without labels a .txt file beside other tables is none, nor is it a text: a README. Not so one called
// train or test.
void erase_notes(std::vector<const File*>& tables) {
  const auto sure = [](const File* file) { return is_surely_table(file->path); };
  if (std::ranges::none_of(tables, sure)) return;
  std::erase_if(tables, [&](const File* file) {
    const std::string name = stem(file->path);
    return !sure(file) && name != "train" && name != "test";
  });
}

// One table, or a pair called train and test; without labels all.
Rows read_tables(const Files& files, const ReadOptions& options, bool labels,
                 const std::string& where) {
  std::vector<const File*> tables = tables_in(files);
  Rows rows;
  const auto read = [&](const File& file, bool test) {
    const std::size_t before = rows.rows.size();
    read_table(file.bytes, options, {.test = test, .labels = labels},
               where.ends_with(file.path) ? where : where + ", " + file.path, rows);
    if (files.kind == Files::Kind::file) return;
    for (std::size_t i = before; i < rows.rows.size(); ++i) rows.rows[i].file = file.path;
  };
  if (!labels) {
    erase_notes(tables);
    for (const File* file : tables) read(*file, false);
    return rows;
  }
  const File* train = tables.size() == 1 ? tables[0] : named(tables, "train");
  const File* test = tables.size() == 1 ? nullptr : named(tables, "test");
  if (train == nullptr) {
    fail_reading(where,
                 tables.empty()
                     ? "holds neither folders of texts for each class nor a table (.csv, .tsv, "
                       ".jsonl)"
                     : fmt::format("holds {} tables and none is called train; name one of them: {}",
                                   tables.size(), listed(tables)));
  }
  for (const File* file : {train, test}) {
    if (file == nullptr) continue;
    read(*file, file == test);
    std::erase(tables, file);
  }
  if (!tables.empty()) rows.notes.push_back("not used: " + listed(tables));
  return rows;
}

enum class Reader { tables, folders, wordnet };

Reader reader_of(const Files& files, Format format, bool labels) {
  if (format == Format::wordnet) return Reader::wordnet;
  if (format == Format::imdb || format == Format::folders) return Reader::folders;
  if (format != Format::automatic || files.kind == Files::Kind::file) return Reader::tables;
  if (has_wordnet(files)) return Reader::wordnet;
  const std::vector<const File*> tables = tables_in(files);
  const bool sure =
      named(tables, "train") != nullptr ||
      std::ranges::any_of(tables, [](const File* file) { return is_surely_table(file->path); });
  const std::size_t classes = class_folders(files);
  if (classes > 1 || (classes == 1 && !sure)) return Reader::folders;
  const bool texts = std::ranges::any_of(files.files, is_text_file, &File::path);
  return !labels && texts && !sure ? Reader::folders : Reader::tables;
}

void refuse_columns(const ReadOptions& options, const std::string& where) {
  for (const auto& [option, column] : {std::pair("--text-column", options.text_column),
                                       std::pair("--label-column", options.label_column)}) {
    if (column.empty()) continue;
    fail_reading(where, fmt::format("{} {} is for tables, and this is not one", option, column));
  }
}

}  // namespace

bool below_unsup(std::string_view path) {
  return path.starts_with("unsup/") || path.find("/unsup/") != std::string_view::npos;
}

bool is_read(std::string_view path) {
  return is_text_file(path) || is_table_file(path) || is_wordnet_file(path);
}

Rows read_rows(Files files, const ReadOptions& options, bool labels, const std::string& where) {
  if (files.files.empty()) fail_reading(where, "the folder or archive is empty");
  const Reader reader = reader_of(files, options.format, labels);
  if (reader != Reader::tables && !options.text_column_elsewhere) refuse_columns(options, where);
  switch (reader) {
    case Reader::wordnet: return read_wordnet(files, where);
    case Reader::tables: return read_tables(files, options, labels, where);
    case Reader::folders: break;
  }
  return labels ? read_folders(std::move(files), options.format == Format::imdb, where)
                : read_text_files(std::move(files), where);
}

}  // namespace gradus::data
