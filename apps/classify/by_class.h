// A number of each class, for --json.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradus::classify {

// {"neg": 0.25, "pos": 0.75}, in the order of the classes. Added by its operator[], each label would be
// looked for among all before it.
template <class Numbers>
nlohmann::ordered_json by_class(const std::vector<std::string>& labels, const Numbers& numbers) {
  nlohmann::ordered_json::object_t object;
  object.reserve(labels.size());
  for (std::size_t c = 0; c < labels.size(); ++c) object.emplace_back(labels[c], numbers[c]);
  return object;
}

}  // namespace gradus::classify
