// Data sets as lists of strings, to compare with what is expected.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

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

}  // namespace gradus::data
