// Finds the fields of a record, or members of a JSON object, that hold the text and the label.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

struct Columns {
  std::size_t text = 0;
  std::optional<std::size_t> label;  // always set if labels are wanted
};

struct ColumnsWanted {
  bool required = true;   // false: return nullopt if a column is missing
  bool labels = true;     // false: the label may be missing
  bool header = true;     // false: each record has the names, so data cannot be mistaken for them
  bool or_lines = false;  // without a header, the file may be lines of a label, a tab and a text
};

// Finds columns by the names in the options, or else by the usual names. Throws IoError for a
// required column that is missing; `here` is the file and the line of the header, for the message.
std::optional<Columns> find_columns(const std::vector<std::string>& header,
                                    const ReadOptions& options, ColumnsWanted wanted,
                                    const std::string& here);

// The names for a message, shortened.
std::string described(const std::vector<std::string>& header);

}  // namespace gradus::data
