#include "data/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "data/numbers.h"
#include "data/readers.h"
#include "data/utf8.h"
#include "tensor/error.h"

namespace gradus::data {

namespace {

using NamedFormat = std::pair<std::string_view, Format>;
constexpr std::array<NamedFormat, 9> kFormats{{{"auto", Format::automatic},
                                               {"imdb", Format::imdb},
                                               {"folders", Format::folders},
                                               {"csv", Format::csv},
                                               {"tsv", Format::tsv},
                                               {"lines", Format::lines},
                                               {"fasttext", Format::fasttext},
                                               {"jsonl", Format::jsonl},
                                               {"wordnet", Format::wordnet}}};

std::optional<double> number(const std::string& text) {
  const std::optional<double> value = parsed<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

// Numbers by value, then names by their bytes.
bool label_before(const std::string& a, const std::string& b) {
  const auto x = number(a);
  const auto y = number(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  return a < b;
}

Dataset numbered(Rows rows, const std::string& where, bool to_learn) {
  if (rows.rows.empty()) fail_reading(where, "holds no texts");
  Dataset dataset;
  std::map<std::string, std::int32_t, decltype(&label_before)> ids(&label_before);
  for (const Row& row : rows.rows) ids.emplace(row.label, 0);
  for (auto& [label, id] : ids) {
    id = static_cast<std::int32_t>(dataset.labels.size());
    dataset.labels.push_back(label);
  }
  if (to_learn && dataset.labels.size() < 2) {
    fail_reading(where, fmt::format("all {} texts have the label '{}'; a classifier needs at least "
                                    "two different ones",
                                    rows.rows.size(), dataset.labels[0]));
  }
  for (Row& row : rows.rows) {
    (row.test ? dataset.test : dataset.train).push_back({std::move(row.text), ids.at(row.label)});
  }
  if (to_learn && dataset.train.empty()) {
    fail_reading(where, "holds test texts only, nothing to train on");
  }
  dataset.source = std::move(rows.source);
  dataset.notes = std::move(rows.notes);
  return dataset;
}

}  // namespace

Format format_named(std::string_view name) {
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  throw Error(fmt::format("[read_dataset] '{}' is no format; there are {}", name,
                          fmt::join(format_names(), ", ")));
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  names.reserve(kFormats.size());
  for (const auto& format : kFormats) names.emplace_back(format.first);
  return names;
}

std::string ending(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t point = name.rfind('.');
  std::string result(point == std::string_view::npos ? "" : name.substr(point));
  std::ranges::transform(result, result.begin(), ascii_lower);
  return result;
}

bool is_text_file(std::string_view path) {
  const std::string end = ending(path);
  return end.empty() || end == ".txt";
}

bool is_table_file(std::string_view path) {
  const std::string end = ending(path);
  return end == ".csv" || end == ".tsv" || end == ".tab" || end == ".txt" || is_json_file(path);
}

bool is_json_file(std::string_view path) {
  const std::string end = ending(path);
  return end == ".jsonl" || end == ".ndjson" || end == ".json";
}

void check_text_size(std::size_t bytes, const std::string& where) {
  if (bytes <= kMaxTextBytes) return;
  fail_reading(where,
               fmt::format("a text of {} MiB; at most {} MiB are taken (is a quote or a line "
                           "end missing?)",
                           bytes >> 20, kMaxTextBytes >> 20));
}

void fail_reading(const std::string& where, const std::string& reason) {
  throw IoError(fmt::format("[read_dataset] {}: {}", where, reason));
}

Dataset read_dataset(const std::filesystem::path& path, const ReadOptions& options) {
  // What no reader would use is not even unpacked: half of aclImdb has no label.
  const auto wanted = [](std::string_view file) { return is_read(file) && !below_unsup(file); };
  const std::string where = path.string();
  return numbered(read_rows(read_files(path, wanted), options, true, where), where,
                  options.to_learn);
}

}  // namespace gradus::data
