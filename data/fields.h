// Which fields of a record, or members of a JSON object, hold the text and the label.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

struct Columns {
  std::size_t text = 0;
  std::optional<std::size_t> label;  // always, where labels are wanted
};

struct ColumnsWanted {
  bool required = true;  // else nothing is returned where either is missing
  bool labels = true;    // else a label may be missing
  bool header = true;  // else each record has the names, and no line of data can be taken for them
  bool or_lines = false;  // what has no header may be lines of a label, a tab and a text
};

// By the names that the options choose, or those that are usual. Throws for a name chosen that is not
// there, if it must be; `here` is the file and the line of the header.
std::optional<Columns> find_columns(const std::vector<std::string>& header,
                                    const ReadOptions& options, ColumnsWanted wanted,
                                    const std::string& here);

// The names for a message, shortened.
std::string described(const std::vector<std::string>& header);

}  // namespace gradus::data
