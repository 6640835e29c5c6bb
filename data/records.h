// Splits delimited text into records and fields, with quotes as in RFC 4180 or without.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

// Lines are counted from 1.
class RecordReader {
 public:
  // `where` names the file, for messages; it and `bytes` must outlive the reader.
  RecordReader(std::string_view bytes, char delimiter, bool quotes, const std::string& where)
      : bytes_(bytes), delimiter_(delimiter), quotes_(quotes), where_(where) {}

  // The next record with something in it: spreadsheets end in rows of nothing but commas. False at the end.
  bool next(std::vector<std::string>& fields);

  // The line at which the record begins, without and with the file's name.
  std::int64_t line() const { return record_line_; }
  std::string here() const { return here(record_line_); }
  [[noreturn]] void fail(std::int64_t line, const std::string& reason) const;

  // The number of quoted fields that contain a line end or a delimiter. In a file without quoting,
  // these are swallowed records.
  std::int64_t spanning() const { return spanning_; }
  std::int64_t first_spanning() const { return first_spanning_; }  // its line

 private:
  std::string here(std::int64_t line) const;
  void field(std::string& out);
  void quoted(std::string& out);
  bool end_of_record();
  void check_size(std::size_t size, std::int64_t line) const;

  std::string_view bytes_;
  char delimiter_;
  bool quotes_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t newline_ = 0;  // the next one at or behind at_, so that each is looked for once
  std::int64_t line_ = 1;
  std::int64_t record_line_ = 1;
  std::int64_t spanning_ = 0, first_spanning_ = 0;
};

// The text without leading and trailing spaces and line ends.
std::string_view trimmed(std::string_view text);

}  // namespace gradus::data
