// JSON Lines: an object a line, with a text and a label under the names that columns have.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "data/clean.h"
#include "data/fields.h"
#include "data/readers.h"
#include "data/records.h"
#include "data/utf8.h"

namespace gradus::data {

namespace {

using nlohmann::ordered_json;

// The number of an escape \uXXXX that `text` begins with; 0 where there is none.
std::uint32_t escaped(std::string_view text) {
  std::uint32_t number = 0;
  if (text.starts_with("\\u") && text.size() >= 6) {
    std::from_chars(text.data() + 2, text.data() + 6, number, 16);
  }
  return number;
}

// An emoji is a pair of escapes. Of one that was cut through, half is left: it becomes U+FFFD.
std::string repaired_pairs(std::string line) {
  for (std::size_t i = 0; (i = line.find('\\', i)) < line.size();) {
    const std::string_view rest = std::string_view(line).substr(i);
    const std::uint32_t half = escaped(rest) >> 10;  // 0x36: the first, 0x37: the second
    if (half == 0x36 && escaped(rest.substr(6)) >> 10 == 0x37) {
      i += 12;
    } else if (half == 0x36 || half == 0x37) {
      line.replace(i, 6, "\\uFFFD");
      i += 6;
    } else {
      i += 2;
    }
  }
  return line;
}

ordered_json object_of(std::string_view line, const RecordReader& reader) {
  ordered_json object = ordered_json::parse(line, nullptr, false);
  // The parser takes Unicode only: what is none becomes what cleaning makes of it.
  if (object.is_discarded()) {
    object = ordered_json::parse(repaired_pairs(repaired_utf8(line)), nullptr, false);
  }
  if (!object.is_object()) {
    reader.fail(reader.line(), fmt::format("'{}' is not a JSON object; each line must be one",
                                           clean_text(line.substr(0, 40))));
  }
  return object;
}

const ordered_json& member_of(const ordered_json& object, const std::string& name,
                              const RecordReader& reader) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_structured() || found->is_null()) {
    reader.fail(reader.line(),
                fmt::format("'{}' is missing, or neither a text nor a number", name));
  }
  return *found;
}

std::string word_of(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

void read_json_lines(std::string_view bytes, const ReadOptions& options, Part part,
                     const std::string& where, Rows& rows) {
  if (trimmed(bytes).starts_with('[')) {
    fail_reading(
        where, "is a JSON array; JSON Lines are read, an object a line (jq -c '.[]' writes them)");
  }
  RecordReader reader(bytes, '\n', false, where);
  std::vector<std::string> line, names;
  std::optional<Columns> columns;
  while (reader.next(line)) {
    const ordered_json object = object_of(line[0], reader);
    if (!columns) {
      for (const auto& [name, value] : object.items()) names.push_back(name);
      columns = find_columns(names, options, {.labels = part.needs_labels(), .header = false},
                             reader.here());
      if (note_missing_labels(*columns, part, where, rows)) return;
      rows.source = "JSON Lines";
    }
    const std::string label =
        columns->label ? word_of(member_of(object, names[*columns->label], reader)) : "";
    add_row(word_of(member_of(object, names[columns->text], reader)), label, part, reader, rows);
  }
}

}  // namespace gradus::data
