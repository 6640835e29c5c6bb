// Texts that no one has labelled are mostly easier to come by. Which words keep company, and which
// n-grams there are, can be learned from them as well:
//
//   std::vector<Text> more = read_unlabelled("aclImdb_v1.tar.gz");    // its 50,000 reviews below unsup
//
// What read_dataset reads is read as it would (data/dataset.h), but labels are not needed, nor folders for
// them: all files that end in .txt or have no ending are texts, and where there are none, all tables are
// read. A file that is no table has a text in each line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

// A text and where it stands: a line, or a file of a folder or archive, or both.
struct PlacedText {
  std::string text;
  std::string place;  // "line 3", "pos/1.txt"
};

// All texts as they stand in the files, in the order of these. Throws IoError where nothing can be read
// or there is none.
std::vector<PlacedText> read_texts(const std::filesystem::path& path,
                                   const ReadOptions& options = {});

// Clean, without the empty ones and those that equal an earlier one, labelled 0; where there is a folder
// called unsup, only those below it. Throws IoError where nothing can be read or nothing is left.
std::vector<Text> read_unlabelled(const std::filesystem::path& path,
                                  const ReadOptions& options = {});

// Takes those out of `texts` that equal one of `held_out`, whatever its label: a text that a model is
// measured on must teach it nothing, not even which words keep company. Both are clean. Returns how many.
std::int64_t drop_held_out(std::vector<Text>& texts, std::span<const Text> held_out);

}  // namespace gradus::data
