#include "data/unlabelled.h"

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

std::vector<Text> lines_of(std::string_view bytes) {
  std::vector<Text> lines;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    lines.push_back({std::string(bytes.substr(0, end)), 0});
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return lines;
}

std::vector<Text> texts_of(Files files) {
  if (files.kind == Files::Kind::file) return lines_of(files.files.at(0).bytes);
  const bool unsup =
      std::ranges::any_of(files.files, [](const File& file) { return below_unsup(file.path); });
  std::vector<Text> texts;
  for (File& file : files.files) {
    if (is_text_file(file.path) && (!unsup || below_unsup(file.path))) {
      texts.push_back({std::move(file.bytes), 0});
    }
  }
  return texts;
}

}  // namespace

std::vector<Text> read_unlabelled(const std::filesystem::path& path) {
  const std::string where = path.string();
  std::vector<Text> texts = texts_of(read_files(path, is_text_file));
  for (const Text& text : texts) check_text_size(text.text.size(), where);
  clean(texts);
  std::unordered_set<std::string> seen;
  std::erase_if(texts, [&seen](const Text& text) {
    return text.text.empty() || !seen.insert(text.text).second;
  });
  if (texts.empty()) fail_reading(where, "holds no unlabelled texts");
  return texts;
}

}  // namespace gradus::data
