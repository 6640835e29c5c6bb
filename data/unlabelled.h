// Texts that no one has labelled are mostly easier to come by. Which words keep company, and which
// n-grams there are, can be learned from them as well:
//
//   std::vector<Text> more = read_unlabelled("aclImdb_v1.tar.gz");    // its 50,000 reviews below unsup
//
// A folder or archive: its files that end in .txt or have no ending; where there are none, its tables. A
// table (data/dataset.h) has its texts in the column that read_dataset would take; a label column is not
// needed. Any other file has a text in each line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

// A text and where it stands: a line, or a file of a folder or archive, or both.
struct PlacedText {
  std::string text;
  std::string place;  // "line 3", "pos/1.txt"
};

// All texts as they stand in the files, in the order of these. Throws IoError where nothing can be read.
std::vector<PlacedText> read_texts(const std::filesystem::path& path,
                                   const ReadOptions& options = {});

// Clean, without the empty ones and those that equal an earlier one, labelled 0; where there is a folder
// called unsup, only those below it. Throws IoError where nothing can be read or nothing is left.
std::vector<Text> read_unlabelled(const std::filesystem::path& path,
                                  const ReadOptions& options = {});

}  // namespace gradus::data
