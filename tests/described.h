// Data sets as lists of strings, to compare with what is expected, and what is refused.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "tensor/error.h"
#include "tests/throws.h"

namespace gradus::data {

// "label: text" of every text in order.
inline std::vector<std::string> described(const Dataset& d, const std::vector<Text>& texts) {
  std::vector<std::string> result;
  for (const Text& t : texts) {
    result.push_back(d.labels[static_cast<std::size_t>(t.label)] + ": " + t.text);
  }
  return result;
}
inline std::vector<std::string> train(const Dataset& d) { return described(d, d.train); }

// Checks that a file or folder is refused with this after its path.
inline void refuses(const std::filesystem::path& path, const std::string& reason) {
  REFUSES(IoError, read_dataset(path), "[read_dataset] " + path.string() + reason);
}

}  // namespace gradus::data
