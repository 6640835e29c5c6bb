// Reads texts without labels, which are easier to get. Word vectors and n-grams can be learned from
// them too:
//
//   std::vector<Text> more = read_unlabelled("aclImdb_v1.tar.gz");    // its 50,000 reviews below unsup
//
// Reads the formats of read_dataset (data/dataset.h), but needs neither labels nor folders for
// them: all files that end in .txt or have no extension are texts, and if there are none, all
// tables are read. A file that is not a table has one text per line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

// A text and its place: a line, a file of a folder or archive, or both.
struct PlacedText {
  std::string text;
  std::string place;  // "line 3", "pos/1.txt"
};

// All texts, unchanged, in the order of the files. Throws IoError if nothing can be read or there
// is no text.
std::vector<PlacedText> read_texts(const std::filesystem::path& path,
                                   const ReadOptions& options = {});

// All texts, cleaned, without empty ones and duplicates, labelled 0; if there is a folder called
// unsup, only those in it. Throws IoError if nothing can be read or nothing is left.
std::vector<Text> read_unlabelled(const std::filesystem::path& path,
                                  const ReadOptions& options = {});

// Removes from `texts` those that equal one of `held_out`, whatever its label, and returns how
// many: a model must learn nothing from a text that it is measured on, not even word vectors. Both
// must be clean.
std::int64_t drop_held_out(std::vector<Text>& texts, std::span<const Text> held_out);

}  // namespace gradus::data
