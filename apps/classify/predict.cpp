#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "apps/classify/probabilities.h"
#include "data/clean.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::classify {

namespace {

// Classified at once: enough to keep all cores at work, and no more than fits into memory easily.
constexpr std::size_t kMostLines = 2048;
constexpr std::size_t kMostBytes = std::size_t{8} << 20;

void print(const SavedModel& saved, std::vector<data::Text>& texts, bool json) {
  parallel_for(std::ssize(texts), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::string& text = texts[static_cast<std::size_t>(i)].text;
      text = data::clean_text(text);
    }
  });
  const std::vector<float> p = probabilities(*saved.model, encode(saved, texts));
  const std::size_t classes = saved.labels.size();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = p.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto best = static_cast<std::size_t>(
        std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row);
    if (!json) {
      fmt::print("{}\t{:.4f}\n", saved.labels[best], p[i * classes + best]);
      continue;
    }
    nlohmann::ordered_json all;
    for (std::size_t c = 0; c < classes; ++c) all[saved.labels[c]] = p[i * classes + c];
    const nlohmann::ordered_json object{{"label", saved.labels[best]},
                                        {"probability", p[i * classes + best]},
                                        {"probabilities", all}};
    fmt::print("{}\n", object.dump());
  }
  std::fflush(stdout);
}

}  // namespace

void run_predict(const std::filesystem::path& model, const std::string& input, bool json) {
  const SavedModel saved = load_model(model);
  std::ifstream file;
  if (input != "-") {
    file.open(input);
    if (!file || std::filesystem::is_directory(input)) {
      throw IoError(fmt::format("[predict] cannot read '{}'", input));
    }
  }
  std::ios::sync_with_stdio(false);
  const std::string name = input == "-" ? "standard input" : input;
  std::istream& in = input == "-" ? std::cin : file;
  std::vector<data::Text> texts;
  std::size_t bytes = 0;
  const auto answer = [&] {
    if (!texts.empty()) print(saved, texts, json);
    texts.clear();
    bytes = 0;
  };
  // Not a std::string that grows: a file without a newline could be of any length.
  constexpr std::size_t kRoom = data::kMaxTextBytes + 1;
  const auto line = std::make_unique_for_overwrite<char[]>(kRoom);
  std::int64_t number = 1;
  for (; in.getline(line.get(), kRoom); ++number) {
    const auto size = static_cast<std::size_t>(in.gcount()) - (in.eof() ? 0 : 1);  // no newline
    bytes += size;
    texts.push_back({std::string(line.get(), size), 0});
    // Answers do not wait for lines that have not come yet: someone may be typing.
    if (texts.size() == kMostLines || bytes >= kMostBytes || in.rdbuf()->in_avail() <= 0) answer();
  }
  answer();
  if (in.bad()) throw IoError(fmt::format("[predict] reading {} failed", name));
  if (!in.eof()) {
    throw IoError(
        fmt::format("[predict] line {} of {} has more than {} bytes, the most of one text", number,
                    name, data::kMaxTextBytes));
  }
}

}  // namespace gradus::classify
