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

// Where a person finds the row.
std::string place_of(const Row& row) {
  if (row.line == 0) return row.file;
  return fmt::format("{}{}line {}", row.file, row.file.empty() ? "" : ", ", row.line);
}
}  // namespace

std::vector<PlacedText> read_texts(const std::filesystem::path& path, const ReadOptions& options) {
  const std::string where = path.string();
  Rows rows = read_rows(read_files(path, is_read), options, false, where);
  if (rows.rows.empty()) fail_reading(where, "holds no texts");
  std::vector<PlacedText> found;
  for (Row& row : rows.rows) found.push_back({std::move(row.text), place_of(row)});
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
