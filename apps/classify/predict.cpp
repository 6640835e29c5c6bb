#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "apps/classify/by_class.h"
#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "apps/classify/probabilities.h"
#include "data/metrics.h"
#include "data/split.h"
#include "data/text_bytes.h"
#include "data/unlabelled.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

// Classified at once: enough to keep all cores at work, and no more than fits into memory easily.
constexpr std::size_t kMostLines = 2048;
constexpr std::size_t kMostBytes = std::size_t{8} << 20;

// `texts` become clean; `places` say where they stand, or are none.
void print(const SavedModel& saved, std::vector<data::Text>& texts,
           std::span<const data::PlacedText> places, bool json) {
  data::clean(texts);
  const std::vector<float> p = probabilities(*saved.model, encode(saved, texts));
  const std::size_t classes = saved.labels.size();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto row = std::span(p).subspan(i * classes, classes);
    const std::size_t best = data::likeliest(row);
    if (!json) {
      if (!places.empty()) fmt::print("{}\t", places[i].place);
      fmt::print("{}\t{:.4f}\n", saved.labels[best], row[best]);
      continue;
    }
    nlohmann::ordered_json object;
    if (!places.empty()) object["place"] = places[i].place;
    object["label"] = saved.labels[best];
    object["probability"] = row[best];
    object["probabilities"] = by_class(saved.labels, row);
    fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  std::fflush(stdout);
}

// The texts of options.data, each answer after its place.
void predict_data(const SavedModel& saved, const PredictOptions& options) {
  const std::vector<data::PlacedText> all = data::read_texts(options.data, options.read);
  for (std::size_t begin = 0; begin < all.size();) {
    std::vector<data::Text> texts;
    std::size_t bytes = 0;
    while (begin + texts.size() < all.size() && texts.size() < kMostLines && bytes < kMostBytes) {
      texts.push_back({all[begin + texts.size()].text, 0});
      bytes += texts.back().text.size();
    }
    print(saved, texts, std::span(all).subspan(begin, texts.size()), options.json);
    begin += texts.size();
  }
}

}  // namespace

void run_predict(const PredictOptions& options) {
  const SavedModel saved = load_model(options.model);
  if (!options.data.empty()) return predict_data(saved, options);
  const std::string& input = options.input;
  std::ifstream file;
  if (input != "-") {
    errno = std::filesystem::is_directory(input) ? EISDIR : 0;
    if (errno == 0) file.open(input);
    if (errno != 0 || !file) {
      throw IoError(fmt::format("[predict] cannot read '{}': {}{}", input, std::strerror(errno),
                                errno == EISDIR ? "; --data reads folders" : ""));
    }
  }
  std::ios::sync_with_stdio(false);
  const std::string name = input == "-" ? "standard input" : input;
  std::istream& in = input == "-" ? std::cin : file;
  std::vector<data::Text> texts;
  std::size_t bytes = 0;
  const auto answer = [&] {
    if (!texts.empty()) print(saved, texts, {}, options.json);
    texts.clear();
    bytes = 0;
  };
  // Not a std::string that grows: a file without a newline could be of any length.
  constexpr std::size_t kRoom = data::kMaxTextBytes + 1;
  const auto line = std::make_unique_for_overwrite<char[]>(kRoom);
  std::int64_t number = 1;
  for (; in.getline(line.get(), kRoom); ++number) {
    const auto size = static_cast<std::size_t>(in.gcount()) - (in.eof() ? 0 : 1);  // no newline
    const std::string_view wrong =
        number == 1 ? data::why_no_text({line.get(), size}) : std::string_view();
    if (!wrong.empty()) throw IoError(fmt::format("[predict] {} {}", name, wrong));
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
