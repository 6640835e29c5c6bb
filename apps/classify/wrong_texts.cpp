#include "apps/classify/wrong_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "data/columns.h"
#include "data/metrics.h"

namespace gradus::classify {

namespace {

constexpr std::size_t kColumns = 100;      // of a terminal
constexpr std::size_t kLabelColumns = 24;  // of them for a class, at most
constexpr std::size_t kParts = 6;

// The words that tell most, as many as fit.
std::string list(const std::vector<Part>& parts, std::size_t room) {
  std::string all;
  for (const Part& part : parts) {
    const std::string more = (all.empty() ? "" : " | ") + part.words;
    if (data::columns(all + more) > room) break;
    all += more;
  }
  return all;
}

}  // namespace

std::vector<WrongText> wrong_texts(const SavedModel& saved, std::span<const data::Text> texts,
                                   std::span<const float> probabilities, std::int64_t most) {
  const std::size_t classes = saved.labels.size();
  std::vector<std::int32_t> labels;
  for (const data::Text& text : texts) labels.push_back(text.label);
  std::vector<WrongText> wrong;
  for (const std::int64_t i :
       data::most_wrong(probabilities, labels, std::ssize(saved.labels), most)) {
    const data::Text& text = texts[static_cast<std::size_t>(i)];
    const auto row = probabilities.subspan(static_cast<std::size_t>(i) * classes, classes);
    const auto label = static_cast<std::size_t>(text.label);
    const auto predicted = data::likeliest(row);
    const double p = std::max(row[label], std::numeric_limits<float>::min());  // 0 has no logarithm
    wrong.push_back({text.text, label, predicted, row[predicted], -std::log(p),
                     telling_parts(saved, text.text, predicted, label, kParts)});
  }
  return wrong;
}

std::string to_text(const std::vector<WrongText>& wrong, const std::vector<std::string>& labels) {
  if (wrong.empty()) return "";
  std::string all = "\nmost wrong (is the label right?)\n";
  for (const WrongText& each : wrong) {
    const auto label = [&](std::size_t c) { return data::first_columns(labels[c], kLabelColumns); };
    const std::size_t at = each.telling.empty() ? 0 : each.telling.front().begin;
    const std::string words = list(each.telling, kColumns - 6);
    all += fmt::format("\nlabelled {}, predicted {} with {:.4f}, loss {:.2f}\n    {}\n",
                       label(each.label), label(each.predicted), each.probability, each.loss,
                       data::excerpt(each.text, at, kColumns - 4));
    if (!words.empty()) all += fmt::format("    [{}]\n", words);
  }
  return all;
}

nlohmann::ordered_json to_json(const std::vector<WrongText>& wrong,
                               const std::vector<std::string>& labels) {
  auto list = nlohmann::ordered_json::array();
  for (const WrongText& each : wrong) {
    auto telling = nlohmann::ordered_json::array();
    for (const Part& part : each.telling) telling.push_back(part.words);
    list.push_back({{"label", labels[each.label]},
                    {"predicted", labels[each.predicted]},
                    {"probability", each.probability},
                    {"loss", each.loss},
                    {"telling", telling},
                    {"text", each.text}});
  }
  return list;
}

}  // namespace gradus::classify
