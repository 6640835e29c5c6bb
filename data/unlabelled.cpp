#include "data/unlabelled.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "data/files.h"
#include "data/readers.h"
#include "data/split.h"

namespace gradus::data {

namespace {

bool below_unsup(std::string_view path) {
  return path.starts_with("unsup/") || path.find("/unsup/") != std::string_view::npos;
}

std::vector<Row> lines_of(std::string_view bytes) {
  std::vector<Row> lines;
  for (std::int64_t number = 1; !bytes.empty(); ++number) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    lines.push_back({std::string(bytes.substr(0, end)), "", false, number});
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return lines;
}

// Of a table, or of lines that are nothing but texts.
std::vector<Row> rows_of(const File& file, const ReadOptions& options, const std::string& where) {
  const std::string_view bytes = text_of(file.bytes, where);
  if (options.format == Format::automatic && !table_format(bytes, options, false, where)) {
    return lines_of(bytes);
  }
  Rows table;
  read_table(bytes, options, {.labels = false}, where, table);
  return std::move(table.rows);
}

}  // namespace

std::vector<PlacedText> read_texts(const std::filesystem::path& path, const ReadOptions& options) {
  const auto wanted = [](std::string_view file) {
    return is_text_file(file) || is_table_file(file);
  };
  Files files = read_files(path, wanted);
  const std::string where = path.string();
  const bool alone = files.kind == Files::Kind::file;
  const bool texts = !alone && std::ranges::any_of(files.files, is_text_file, &File::path);
  std::vector<PlacedText> found;
  for (File& file : files.files) {
    if (texts && is_text_file(file.path)) {
      check_text_size(file.bytes.size(), where + ", file " + file.path);
      found.push_back({std::move(file.bytes), file.path});
    } else if (alone || (!texts && is_table_file(file.path))) {
      const bool named = where.ends_with(file.path);
      const std::string name = named ? where : where + ", " + file.path;
      for (Row& row : rows_of(file, options, name)) {
        check_text_size(row.text.size(), fmt::format("{}, line {}", name, row.line));
        found.push_back(
            {std::move(row.text), alone ? fmt::format("line {}", row.line)
                                        : fmt::format("{}, line {}", file.path, row.line)});
      }
    }
  }
  return found;
}

std::vector<Text> read_unlabelled(const std::filesystem::path& path, const ReadOptions& options) {
  std::vector<PlacedText> all = read_texts(path, options);
  const bool unsup = std::ranges::any_of(all, below_unsup, &PlacedText::place);
  std::vector<Text> texts;
  for (PlacedText& text : all) {
    if (!unsup || below_unsup(text.place)) texts.push_back({std::move(text.text), 0});
  }
  clean(texts);
  std::unordered_set<std::string> seen;
  std::erase_if(texts, [&seen](const Text& text) {
    return text.text.empty() || !seen.insert(text.text).second;
  });
  if (texts.empty()) fail_reading(path.string(), "holds no unlabelled texts");
  return texts;
}

std::int64_t drop_held_out(std::vector<Text>& texts, std::span<const Text> held_out) {
  std::unordered_set<std::string_view> seen;
  for (const Text& text : held_out) seen.insert(text.text);
  return static_cast<std::int64_t>(
      std::erase_if(texts, [&seen](const Text& text) { return seen.contains(text.text); }));
}

}  // namespace gradus::data
