#include "data/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "data/clean.h"
#include "data/readers.h"
#include "data/records.h"
#include "data/utf8.h"

namespace gradus::data {

namespace {

constexpr std::array<std::string_view, 12> kTextColumns{
    "text",    "review", "content",  "sentence",    "comment",  "body",
    "message", "tweet",  "document", "description", "headline", "title"};
constexpr std::array<std::string_view, 11> kLabelColumns{
    "label", "sentiment", "category", "class", "target", "topic",
    "genre", "polarity",  "rating",   "stars", "intent"};

std::string lowered(std::string_view text) {
  std::string result(trimmed(text));
  std::erase(result, '"');
  std::ranges::transform(result, result.begin(), ascii_lower);
  return result;
}

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       const std::string& chosen,
                                       std::span<const std::string_view> usual) {
  const auto exact = std::ranges::find(header, chosen);
  if (!chosen.empty() && exact != header.end()) {
    return static_cast<std::size_t>(exact - header.begin());
  }
  const std::string only = lowered(chosen);
  const std::array<std::string_view, 1> one{only};
  for (const std::string_view name : chosen.empty() ? usual : one) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (lowered(header[i]) == name) return i;
    }
  }
  return std::nullopt;
}

// What a header with neither column is more likely to be.
void fail_without_columns(const std::vector<std::string>& header, const std::string& here) {
  if (header.size() == 1 && header[0].find('\t') != std::string::npos) {
    fail_reading(here, "has tabs between its fields, not commas; --format tsv reads that");
  }
  if (header.size() == 1 && header[0].find('|') != std::string::npos) {
    fail_reading(here, "has '|' between its fields; commas, semicolons and tabs are read");
  }
  fail_reading(here,
               fmt::format("the first line must name the columns, but it names no text or label "
                           "column: {} (put a line such as text,label before it, or choose with "
                           "--text-column and --label-column)",
                           described(header)));
}

}  // namespace

std::string described(const std::vector<std::string>& header) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(header.size(), 20); ++i) {
    text += (i > 0 ? ", " : "") + clean_text(std::string_view(header[i]).substr(0, 40));
    if (header[i].size() > 40) text += "...";
  }
  return text + (header.size() > 20 ? ", ..." : "");
}

std::optional<Columns> find_columns(const std::vector<std::string>& header,
                                    const ReadOptions& options, ColumnsWanted wanted,
                                    const std::string& here) {
  auto text = find_column(header, options.text_column, kTextColumns);
  const bool text_chosen = !options.text_column.empty() && !options.text_column_elsewhere;
  if (!text && options.text_column_elsewhere) text = find_column(header, {}, kTextColumns);
  const auto label = find_column(header, options.label_column, kLabelColumns);
  const auto missing = [&](std::string_view what, const std::string& chosen,
                           std::string_view option) {
    fail_reading(here,
                 fmt::format("no {} column{}; the columns are: {} (choose one with {}{})", what,
                             chosen.empty() ? "" : " '" + chosen + "'", described(header), option,
                             wanted.or_lines ? "; --format lines if these are no names" : ""));
  };
  const bool none_chosen = !text_chosen && options.label_column.empty();
  if (wanted.required && wanted.labels && wanted.header && none_chosen && !text && !label) {
    fail_without_columns(header, here);
  }
  if (!text && (wanted.required || text_chosen)) {
    missing("text", options.text_column, "--text-column");
  }
  if (!label && wanted.labels && (wanted.required || !options.label_column.empty())) {
    missing("label", options.label_column, "--label-column");
  }
  if (!text || (!label && wanted.labels)) return std::nullopt;
  if (text == label) fail_reading(here, "text and label are the same column");
  return Columns{*text, label};
}

}  // namespace gradus::data
