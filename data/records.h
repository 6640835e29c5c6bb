// Delimited text cut into records and fields, quoted as RFC 4180 says or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

// Knows the line of each record, from 1.
class RecordReader {
 public:
  // `where` names the file, for messages; it and `bytes` outlive the reader.
  RecordReader(std::string_view bytes, char delimiter, bool quotes, const std::string& where)
      : bytes_(bytes), delimiter_(delimiter), quotes_(quotes), where_(where) {}

  // The next record with something in it: spreadsheets end in rows of nothing but commas. False at the end.
  bool next(std::vector<std::string>& fields);

  // The line where the record begins, and with the file's name.
  std::int64_t line() const { return record_line_; }
  std::string here() const { return here(record_line_); }
  [[noreturn]] void fail(std::int64_t line, const std::string& reason) const;

  // Quoted fields with a line end or a delimiter in them: where quotes mean nothing, records that were
  // swallowed.
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

// Without spaces and line ends around it.
std::string_view trimmed(std::string_view text);

}  // namespace gradus::data
