// Texts that no one has labelled are mostly easier to come by. Which words keep company, and which
// n-grams there are, can be learned from them as well:
//
//   std::vector<Text> more = read_unlabelled("aclImdb_v1.tar.gz");    // its 50,000 reviews below unsup
//
// A folder or archive: its files that end in .txt or have no ending, or of these only those below a folder
// called unsup where there is one. Else a file with a text in each line.
#pragma once

#include <filesystem>
#include <vector>

#include "data/dataset.h"

namespace gradus::data {

// Clean, without the empty ones and those that equal an earlier one, labelled 0. Throws IoError where
// nothing can be read or nothing is left.
std::vector<Text> read_unlabelled(const std::filesystem::path& path);

}  // namespace gradus::data
