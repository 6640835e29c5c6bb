#include "apps/classify/pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"

namespace gradus::classify {

namespace {
const std::vector<std::string> kNames{
    "attention", "keys",    "first-only", "linearity",    "twice", "punctuation", "ratios", "decay",
    "warm-up",   "vectors", "neighbours", "word-dropout", "parts", "own-losses"};
}  // namespace

std::vector<std::string> piece_names() { return kNames; }

const std::string& name_of(Piece piece) { return kNames[static_cast<std::size_t>(piece)]; }

Piece piece_named(const std::string& name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    throw Error(
        fmt::format("[model] there is no piece '{}'; there are {}", name, fmt::join(kNames, ", ")));
  }
  return static_cast<Piece>(found - kNames.begin());
}

bool is_deep(Piece piece) { return piece >= Piece::vectors; }

}  // namespace gradus::classify
