// Delimited text: CSV and TSV as RFC 4180 has them, plain lines, fastText's lines.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "data/clean.h"
#include "data/readers.h"

namespace gradus::data {

namespace {

constexpr std::array<std::string_view, 12> kTextColumns{
    "text",    "review", "content",  "sentence",    "comment",  "body",
    "message", "tweet",  "document", "description", "headline", "title"};
constexpr std::array<std::string_view, 11> kLabelColumns{
    "label", "sentiment", "category", "class", "target", "topic",
    "genre", "polarity",  "rating",   "stars", "intent"};
constexpr std::string_view kFastTextLabel = "__label__";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

std::string lowered(std::string_view text) {
  std::string result(trimmed(text));
  for (char& c : result) c = static_cast<char>(c + (c >= 'A' && c <= 'Z' ? 32 : 0));
  return result;
}

// Cuts bytes into records and fields and knows the line of each record, from 1.
class RecordReader {
 public:
  RecordReader(std::string_view bytes, char delimiter, bool quotes, const std::string& where)
      : bytes_(bytes), delimiter_(delimiter), quotes_(quotes), where_(where) {}

  // The next record that is not a blank line; false at the end.
  bool next(std::vector<std::string>& fields) {
    while (at_ < bytes_.size()) {
      fields.clear();
      record_line_ = line_;
      do {
        fields.emplace_back();
        field(fields.back());
      } while (!end_of_record());
      if (fields.size() > 1 || !trimmed(fields[0]).empty()) return true;
    }
    return false;
  }

  // The line where the record begins.
  std::int64_t line() const { return record_line_; }
  [[noreturn]] void fail(std::int64_t line, const std::string& reason) const {
    fail_reading(fmt::format("{}, line {}", where_, line), reason);
  }

 private:
  void field(std::string& out) {
    if (quotes_ && at_ < bytes_.size() && bytes_[at_] == '"') return quoted(out);
    if (at_ == 0 || newline_ < at_) newline_ = std::min(bytes_.find('\n', at_), bytes_.size());
    const std::string_view line = bytes_.substr(at_, newline_ - at_);
    std::size_t size = std::min(line.find(delimiter_), line.size());
    at_ += size;
    if (size == line.size() && line.ends_with('\r')) --size;
    check_size(size, line_);
    out.assign(line, 0, size);
  }

  void quoted(std::string& out) {
    const std::int64_t opened = line_;
    ++at_;
    while (true) {
      const std::size_t quote = bytes_.find('"', at_);
      if (quote == std::string_view::npos)
        fail(opened, "the quote that opens here is never closed");
      check_size(out.size() + quote - at_, opened);
      line_ += std::count(bytes_.begin() + static_cast<std::ptrdiff_t>(at_),
                          bytes_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
      out.append(bytes_, at_, quote - at_);
      at_ = quote + 1;
      if (at_ == bytes_.size() || bytes_[at_] != '"') break;
      out += '"';  // a doubled quote
      ++at_;
    }
    if (at_ < bytes_.size() && bytes_[at_] == '\r') ++at_;
    if (at_ < bytes_.size() && bytes_[at_] != delimiter_ && bytes_[at_] != '\n') {
      fail(line_,
           fmt::format("'{}' follows a closing quote; a quote inside a field is written twice",
                       clean_text(bytes_.substr(at_, 10))));
    }
  }

  // Steps over what ends a field; true if the record ends, too.
  bool end_of_record() {
    if (at_ == bytes_.size()) return true;
    const bool newline = bytes_[at_++] == '\n';
    line_ += newline ? 1 : 0;
    return newline;
  }

  void check_size(std::size_t size, std::int64_t line) const {
    if (size > kMaxTextBytes) check_text_size(size, fmt::format("{}, line {}", where_, line));
  }

  std::string_view bytes_;
  char delimiter_;
  bool quotes_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t newline_ = 0;  // the next one at or behind at_, so that each is looked for once
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 1;
};

struct Columns {
  std::size_t text = 0;
  std::size_t label = 0;
};

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (lowered(header[i]) == name) return i;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                       const std::string& chosen,
                                       std::span<const std::string_view> names) {
  if (chosen.empty()) return find_column(header, names);
  const std::string name = lowered(chosen);
  return find_column(header, std::array<std::string_view, 1>{name});
}

std::string described(const std::vector<std::string>& header) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(header.size(), 20); ++i) {
    text += (i > 0 ? ", " : "") + clean_text(std::string_view(header[i]).substr(0, 40));
  }
  return text + (header.size() > 20 ? ", ..." : "");
}

// Where the text and the label are, if `header` is one; throws if the options name a column that is
// not there or, with `required`, if either column is missing.
std::optional<Columns> find_columns(const std::vector<std::string>& header,
                                    const ReadOptions& options, bool required,
                                    const RecordReader& reader) {
  const auto text = find_column(header, options.text_column, kTextColumns);
  const auto label = find_column(header, options.label_column, kLabelColumns);
  const auto missing = [&](std::string_view what, const std::string& chosen,
                           std::string_view option) {
    reader.fail(reader.line(),
                fmt::format("no {} column{}; the columns are: {} (choose one with {})", what,
                            chosen.empty() ? "" : " '" + chosen + "'", described(header), option));
  };
  if (!text && (required || !options.text_column.empty())) {
    missing("text", options.text_column, "--text-column");
  }
  if (!label && (required || !options.label_column.empty())) {
    missing("label", options.label_column, "--label-column");
  }
  if (!text || !label) return std::nullopt;
  if (*text == *label) reader.fail(reader.line(), "text and label are the same column");
  return Columns{*text, *label};
}

void add_row(std::string text, std::string_view label, bool test, const RecordReader& reader,
             Rows& rows) {
  std::string name = clean_text(label);
  if (name.empty()) reader.fail(reader.line(), "the label is empty");
  rows.rows.push_back({std::move(text), std::move(name), test});
}

void read_records(RecordReader& reader, const Columns& columns,
                  const std::vector<std::string>& header, bool test, Rows& rows) {
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    if (fields.size() != header.size()) {
      reader.fail(reader.line(),
                  fmt::format("{} fields, but the header has {} ({}); a field that holds the "
                              "delimiter must be quoted",
                              fields.size(), header.size(), described(header)));
    }
    add_row(std::move(fields[columns.text]), fields[columns.label], test, reader, rows);
  }
}

// label<TAB>text: whatever follows the first tab is the text.
void read_labelled_lines(RecordReader& reader, std::vector<std::string> fields, bool test,
                         Rows& rows) {
  do {
    if (fields.size() < 2) reader.fail(reader.line(), "no tab between a label and a text");
    std::string text = std::move(fields[1]);
    for (std::size_t i = 2; i < fields.size(); ++i) text += '\t' + fields[i];
    add_row(std::move(text), fields[0], test, reader, rows);
  } while (reader.next(fields));
}

void read_fasttext(RecordReader& reader, bool test, Rows& rows) {
  std::vector<std::string> fields;
  while (reader.next(fields)) {
    const std::string_view line = trimmed(fields[0]);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view text = trimmed(line.substr(end));
    if (!line.starts_with(kFastTextLabel))
      reader.fail(reader.line(), "does not begin with __label__");
    if (text.starts_with(kFastTextLabel)) reader.fail(reader.line(), "has more than one label");
    add_row(std::string(text), line.substr(kFastTextLabel.size(), end - kFastTextLabel.size()),
            test, reader, rows);
  }
}

std::string_view first_line(std::string_view bytes) {
  const std::size_t begin = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
  return bytes.substr(begin, std::min(bytes.find('\n', begin), bytes.size()) - begin);
}

Format format_of(std::string_view bytes, const ReadOptions& options, const std::string& where) {
  const std::string_view line = first_line(bytes);
  if (trimmed(line).starts_with(kFastTextLabel)) return Format::fasttext;
  if (where.ends_with(".csv")) return Format::csv;
  if (line.find('\t') == std::string_view::npos) {
    if (line.find_first_of(",;") != std::string_view::npos) return Format::csv;
    fail_reading(
        where, "is none of the formats known: label<TAB>text, CSV or TSV with a header, fastText");
  }
  std::vector<std::string> header;
  RecordReader reader(line.substr(0, kMaxTextBytes), '\t', false, where);
  reader.next(header);
  for (std::string& field : header) std::erase(field, '"');
  return find_columns(header, options, false, reader) ? Format::tsv : Format::lines;
}

}  // namespace

void read_table(std::string_view bytes, const ReadOptions& options, bool test,
                const std::string& where, Rows& rows) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    fail_reading(where, "is UTF-16; save it as UTF-8");
  }
  if (bytes.substr(0, 4096).find('\0') != std::string_view::npos) {
    fail_reading(where, "is a binary file, not text");
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (trimmed(bytes.substr(0, 4096)).empty() && trimmed(bytes).empty()) {
    fail_reading(where, "the file is empty");
  }

  const Format format =
      options.format == Format::automatic ? format_of(bytes, options, where) : options.format;
  if (format == Format::fasttext) {
    RecordReader reader(bytes, '\n', false, where);
    rows.source = "fastText lines";
    return read_fasttext(reader, test, rows);
  }
  const std::string_view line = first_line(bytes);
  char delimiter = '\t';
  if (format == Format::csv) {
    delimiter = std::ranges::count(line, ';') > std::ranges::count(line, ',') ? ';' : ',';
  }
  RecordReader reader(bytes, delimiter, format != Format::lines, where);
  std::vector<std::string> header;
  reader.next(header);
  const auto columns = find_columns(header, options, format != Format::lines, reader);
  if (columns) {
    rows.source =
        fmt::format("{} with the columns '{}' and '{}'",
                    format == Format::csv   ? "CSV"
                    : format == Format::tsv ? "TSV"
                                            : "lines",
                    clean_text(header[columns->text]), clean_text(header[columns->label]));
    return read_records(reader, *columns, header, test, rows);
  }
  rows.source = "lines of label, tab, text";
  read_labelled_lines(reader, std::move(header), test, rows);
}

}  // namespace gradus::data
