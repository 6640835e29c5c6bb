#include "data/records.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/clean.h"
#include "data/readers.h"

namespace gradus::data {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

bool RecordReader::next(std::vector<std::string>& fields) {
  while (at_ < bytes_.size()) {
    fields.clear();
    record_line_ = line_;
    do {
      fields.emplace_back();
      field(fields.back());
    } while (!end_of_record());
    const auto blank = [](std::string_view field) { return trimmed(field).empty(); };
    if (!std::ranges::all_of(fields, blank)) return true;
  }
  return false;
}

std::string RecordReader::here(std::int64_t line) const {
  return fmt::format("{}, line {}", where_, line);
}

void RecordReader::fail(std::int64_t line, const std::string& reason) const {
  fail_reading(here(line), reason);
}

void RecordReader::field(std::string& out) {
  if (quotes_ && at_ < bytes_.size() && bytes_[at_] == '"') return quoted(out);
  if (at_ == 0 || newline_ < at_) newline_ = std::min(bytes_.find('\n', at_), bytes_.size());
  const std::string_view line = bytes_.substr(at_, newline_ - at_);
  std::size_t size = std::min(line.find(delimiter_), line.size());
  at_ += size;
  if (size == line.size() && line.ends_with('\r')) --size;
  check_size(size, line_);
  out.assign(line, 0, size);
}

void RecordReader::quoted(std::string& out) {
  // In TSV a quote is often no more than that.
  const char* hint = delimiter_ == '\t' ? "; --format lines takes quotes as they are" : "";
  const std::int64_t opened = line_;
  ++at_;
  while (true) {
    const std::size_t quote = bytes_.find('"', at_);
    if (quote == std::string_view::npos) {
      fail(opened, fmt::format("the quote that opens here is never closed{}", hint));
    }
    check_size(out.size() + quote - at_, opened);
    line_ += std::count(bytes_.begin() + static_cast<std::ptrdiff_t>(at_),
                        bytes_.begin() + static_cast<std::ptrdiff_t>(quote), '\n');
    out.append(bytes_, at_, quote - at_);
    at_ = quote + 1;
    if (at_ == bytes_.size() || bytes_[at_] != '"') break;
    out += '"';  // a doubled quote
    ++at_;
  }
  if (line_ > opened || out.find(delimiter_) != std::string::npos) {
    if (spanning_++ == 0) first_spanning_ = opened;
  }
  const std::size_t next = std::min(bytes_.find_first_not_of(" \r", at_), bytes_.size());
  if (next < bytes_.size() && bytes_[next] != delimiter_ && bytes_[next] != '\n') {
    fail(line_,
         fmt::format("'{}' follows a closing quote; a quote inside a field is written twice{}",
                     clean_text(bytes_.substr(at_, 10)), hint));
  }
  at_ = next;
}

// Steps over what ends a field; true if the record ends, too.
bool RecordReader::end_of_record() {
  if (at_ == bytes_.size()) return true;
  const bool newline = bytes_[at_++] == '\n';
  line_ += newline ? 1 : 0;
  return newline;
}

void RecordReader::check_size(std::size_t size, std::int64_t line) const {
  if (size > kMaxTextBytes) check_text_size(size, here(line));
}

}  // namespace gradus::data
