// Tables: CSV and TSV, plain lines, fastText's lines. JSON Lines are in json_lines.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "data/clean.h"
#include "data/fields.h"
#include "data/readers.h"
#include "data/records.h"
#include "data/text_bytes.h"

namespace gradus::data {

namespace {

constexpr std::string_view kFastTextLabel = "__label__";

// `"pos"` with a space before it is no quoted field, as RFC 4180 has it, but means pos.
std::string_view without_quotes(std::string_view label) {
  label = trimmed(label);
  const bool quoted = label.size() > 1 && label.starts_with('"') && label.ends_with('"');
  return quoted ? label.substr(1, label.size() - 2) : label;
}

void read_records(RecordReader& reader, const Columns& columns,
                  const std::vector<std::string>& header, Part part, Rows& rows) {
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.size() != header.size()) {
      reader.fail(reader.line(),
                  fmt::format("{} fields, but the header has {} ({}); a field that holds the "
                              "delimiter must be quoted",
                              fields.size(), header.size(), described(header)));
    }
    const std::string_view label = columns.label ? fields[*columns.label] : std::string_view();
    add_row(std::move(fields[columns.text]), without_quotes(label), part, reader, rows);
  }
}

// label<TAB>text: whatever follows the first tab is the text.
void read_labelled_lines(RecordReader& reader, std::vector<std::string> fields, Part part,
                         Rows& rows) {
  do {
    if (fields.size() < 2) reader.fail(reader.line(), "no tab between a label and a text");
    std::string text = std::move(fields[1]);
    for (std::size_t i = 2; i < fields.size(); ++i) text += '\t' + fields[i];
    add_row(std::move(text), fields[0], part, reader, rows);
  } while (reader.next(fields));
}

void read_fasttext(RecordReader& reader, Part part, Rows& rows) {
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    const std::string_view line = trimmed(fields[0]);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view text = trimmed(line.substr(end));
    if (!line.starts_with(kFastTextLabel))
      reader.fail(reader.line(), "does not begin with __label__");
    if (text.starts_with(kFastTextLabel)) reader.fail(reader.line(), "has more than one label");
    add_row(std::string(text), line.substr(kFastTextLabel.size(), end - kFastTextLabel.size()),
            part, reader, rows);
  }
}

// How often c comes in a line outside of quotes.
std::int64_t outside_quotes(std::string_view line, char c) {
  bool inside = false;
  return std::ranges::count_if(line, [&](char at) {
    inside ^= at == '"';
    return at == c && !inside;
  });
}

std::string_view first_line(std::string_view bytes) {
  const std::size_t begin = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
  return bytes.substr(begin, std::min(bytes.find('\n', begin), bytes.size()) - begin);
}

char comma_or_semicolon(std::string_view line) {
  return outside_quotes(line, ';') > outside_quotes(line, ',') ? ';' : ',';
}

// What Excel may write before the header, `sep=;`: the delimiter; 0 in any other line.
char named_delimiter(std::string_view line) {
  line = trimmed(line);
  return line.size() == 5 && line.starts_with("sep=") ? line[4] : '\0';
}

// The columns of a header; nothing if the line is none.
std::optional<Columns> columns_of(std::string_view line, char delimiter, const ReadOptions& options,
                                  bool labels, const std::string& where) {
  std::vector<std::string> header;
  RecordReader reader(line.substr(0, kMaxTextBytes), delimiter, false, where);
  reader.next(header);
  return find_columns(header, options, {.required = false, .labels = labels}, reader.here());
}

// label<TAB>text as far as it goes, blank lines between.
bool has_tabs_only(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string_view line = bytes.substr(0, end);
    if (line.find('\t') == std::string_view::npos && !trimmed(line).empty()) return false;
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return true;
}

// A text in each line, blank ones too.
void read_lines(std::string_view bytes, const std::string& where, Rows& rows) {
  for (std::int64_t number = 1; !bytes.empty(); ++number) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    check_text_size(end, fmt::format("{}, line {}", where, number));
    rows.rows.push_back({std::string(bytes.substr(0, end)), "", false, number});
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
}

std::string format_name(Format format) {
  return format == Format::csv ? "CSV" : format == Format::tsv ? "TSV" : "lines";
}

// A table's format by its name and how it begins. Without labels, a file of texts has none: one a line.
std::optional<Format> table_format(std::string_view bytes, const ReadOptions& options, Part part,
                                   const std::string& where) {
  const std::string_view line = trimmed(first_line(bytes));
  const std::string end = ending(where);
  const bool chosen = !part.labels && !options.text_column.empty();
  if (line.starts_with(kFastTextLabel)) return Format::fasttext;
  if (end == ".csv") return Format::csv;
  if (is_json_file(where) || (line.starts_with('{') && line.ends_with('}')) ||
      line.starts_with("[{")) {
    return Format::jsonl;
  }
  if (line.find('\t') != std::string_view::npos) {
    if (columns_of(line, '\t', options, part.needs_labels(), where)) return Format::tsv;
    if (part.labels) return Format::lines;
    if (end != ".tsv" && end != ".tab" && has_tabs_only(bytes)) return Format::lines;
  } else if (line.find_first_of(",;") != std::string_view::npos || chosen) {
    // Without labels a comma may be part of a text: a header is one that has both columns, or the chosen.
    if (part.labels || columns_of(line, comma_or_semicolon(line), options, !chosen, where)) {
      return Format::csv;
    }
  }
  if (end == ".tsv" || end == ".tab") return Format::tsv;
  return std::nullopt;
}

}  // namespace

std::string_view text_of(std::string_view bytes, const std::string& where) {
  const std::string_view wrong = why_no_text(bytes);
  if (!wrong.empty()) fail_reading(where, std::string(wrong));
  if (bytes.substr(0, 4096).find('\0') != std::string_view::npos) {
    fail_reading(where, "is a binary file, not text");
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  return bytes;
}

void add_row(std::string text, std::string_view label, Part part, const RecordReader& reader,
             Rows& rows) {
  const auto name = clean_label(label);
  if (!name && part.labels) {
    reader.fail(reader.line(),
                fmt::format("the label '{}' is not UTF-8; convert the file first, as with iconv -f "
                            "latin1 -t utf-8",
                            clean_text(label)));
  }
  if (part.labels && name->empty()) reader.fail(reader.line(), "the label is empty");
  rows.rows.push_back({std::move(text), name.value_or(""), part.test, reader.line()});
}

bool note_missing_labels(const Columns& columns, Part part, const std::string& where, Rows& rows) {
  const bool missing = part.labels && !columns.label;
  if (missing) rows.notes.push_back(where + " has no column of labels: not used");
  return missing;
}

void read_table(std::string_view bytes, const ReadOptions& options, Part part,
                const std::string& where, Rows& rows) {
  bytes = text_of(bytes, where);
  const auto found = options.format == Format::automatic ? table_format(bytes, options, part, where)
                                                         : options.format;
  if (!found && !part.labels) return read_lines(bytes, where, rows);
  if (trimmed(bytes.substr(0, 4096)).empty() && trimmed(bytes).empty()) {
    fail_reading(where, "the file is empty");
  }
  if (!found) {
    fail_reading(where,
                 "is in none of the known formats: label<TAB>text, CSV or TSV with a header, JSON "
                 "Lines, fastText");
  }
  const Format format = *found;
  if (format == Format::jsonl) return read_json_lines(bytes, options, part, where, rows);
  if (format == Format::fasttext) {
    RecordReader reader(bytes, '\n', false, where);
    rows.source = "fastText lines";
    return read_fasttext(reader, part, rows);
  }
  const std::string_view line = first_line(bytes);
  char delimiter = '\t';
  const char chosen = format == Format::csv ? named_delimiter(line) : '\0';
  if (format == Format::csv) delimiter = chosen != '\0' ? chosen : comma_or_semicolon(line);
  RecordReader reader(bytes, delimiter, format != Format::lines, where);
  std::vector<std::string> header;
  reader.next(header);
  if (chosen != '\0') reader.next(header);
  const bool named = format != Format::lines;  // by a header
  const auto columns = find_columns(header, options,
                                    {.required = named,
                                     .labels = named ? part.needs_labels() : part.labels,
                                     .or_lines = format == Format::tsv && !part.labels},
                                    reader.here());
  if (columns && note_missing_labels(*columns, part, where, rows)) return;
  if (!columns) {
    rows.source = "lines of label, tab, text";
    return read_labelled_lines(reader, std::move(header), part, rows);
  }
  const std::string text = clean_text(header[columns->text]);
  rows.source = columns->label
                    ? fmt::format("{} with the columns '{}' and '{}'", format_name(format), text,
                                  clean_text(without_quotes(header[*columns->label])))
                    : fmt::format("{} with the column '{}'", format_name(format), text);
  read_records(reader, *columns, header, part, rows);
  if (format == Format::tsv && reader.spanning() > 0) {
    rows.notes.push_back(fmt::format(
        "quoted fields that hold a tab or a line end: {}, the first in line {}; if quotes "
        "are part of the texts, choose --format lines",
        reader.spanning(), reader.first_spanning()));
  }
}

}  // namespace gradus::data
