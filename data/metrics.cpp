#include "data/metrics.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/calibration.h"
#include "data/utf8.h"
#include "tensor/error.h"

namespace gradus::data {

namespace {

constexpr double kMinProbability = 1e-7;
constexpr std::size_t kMaxMatrix = 10;
constexpr std::size_t kMaxConfusions = 15;

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Columns in a terminal: a Chinese character takes two.
std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    columns += c == kInvalid
                   ? 1
                   : static_cast<std::size_t>(utf8proc_charwidth(static_cast<utf8proc_int32_t>(c)));
  }
  return columns;
}

std::string padded(std::string_view text, std::size_t columns) {
  return std::string(text) + std::string(columns - std::min(columns, width(text)), ' ');
}

std::string right(std::string_view text, std::size_t columns) {
  return std::string(columns - std::min(columns, width(text)), ' ') + std::string(text);
}

std::size_t widest_label(const Metrics& metrics, std::size_t at_least) {
  for (const ClassMetrics& c : metrics.classes) at_least = std::max(at_least, width(c.label));
  return at_least;
}

std::string matrix(const Metrics& metrics) {
  const std::size_t names = widest_label(metrics, 4);
  const std::size_t columns = widest_label(metrics, 6) + 2;
  std::string text =
      fmt::format("\nconfusion (rows: true, columns: predicted)\n{}", padded("", names));
  for (const ClassMetrics& c : metrics.classes) text += right(c.label, columns);
  text += '\n';
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    text += padded(metrics.classes[i].label, names);
    for (std::size_t j = 0; j < metrics.classes.size(); ++j) {
      text += fmt::format("{:>{}}", metrics.confused(i, j), columns);
    }
    text += '\n';
  }
  return text;
}

std::string most_confused(const Metrics& metrics) {
  struct Confusion {
    std::size_t truth, prediction;
    std::int64_t count;
  };
  std::vector<Confusion> all;
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    for (std::size_t j = 0; j < metrics.classes.size(); ++j) {
      if (i != j && metrics.confused(i, j) > 0) all.push_back({i, j, metrics.confused(i, j)});
    }
  }
  if (all.empty()) return "";
  std::ranges::stable_sort(all, std::greater{}, &Confusion::count);
  all.resize(std::min(all.size(), kMaxConfusions));
  const std::size_t names = widest_label(metrics, 4);
  std::string text = "\nmost frequent confusions\n";
  text += fmt::format("{}  {}  {:>6}  share of the true class\n", padded("true", names),
                      padded("predicted", std::max<std::size_t>(names, 9)), "texts");
  for (const Confusion& c : all) {
    const ClassMetrics& truth = metrics.classes[c.truth];
    text +=
        fmt::format("{}  {}  {:>6}  {:.1f} %\n", padded(truth.label, names),
                    padded(metrics.classes[c.prediction].label, std::max<std::size_t>(names, 9)),
                    c.count, 100 * ratio(c.count, truth.texts));
  }
  return text;
}

}  // namespace

Metrics measure(std::span<const float> probabilities, std::span<const std::int32_t> labels,
                std::span<const std::string> names) {
  const std::size_t classes = names.size();
  if (classes == 0 || probabilities.size() != labels.size() * classes) {
    throw ShapeError(fmt::format("[measure] {} probabilities do not fit {} texts of {} classes",
                                 probabilities.size(), labels.size(), classes));
  }
  Metrics metrics;
  metrics.texts = std::ssize(labels);
  metrics.confusion.resize(classes * classes);
  double loss = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto truth = static_cast<std::size_t>(labels[i]);
    if (labels[i] < 0 || truth >= classes) {
      throw IndexError(
          fmt::format("[measure] text {} has label {} of {} classes", i, labels[i], classes));
    }
    const auto row = probabilities.subspan(i * classes, classes);
    if (!std::ranges::all_of(row, [](float p) { return std::isfinite(p); })) {
      throw Error(fmt::format("[measure] text {} has a probability that is not finite", i));
    }
    const auto prediction = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    ++metrics.confusion[truth * classes + prediction];
    loss -= std::log(std::clamp(static_cast<double>(row[truth]), kMinProbability, 1.0));
  }

  std::int64_t correct = 0;
  std::int64_t occurring = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    metrics.classes.push_back({.label = names[c]});
    ClassMetrics& result = metrics.classes.back();
    for (std::size_t other = 0; other < classes; ++other) {
      result.texts += metrics.confusion[c * classes + other];
      result.predicted += metrics.confusion[other * classes + c];
    }
    const std::int64_t hits = metrics.confusion[c * classes + c];
    correct += hits;
    result.precision = ratio(hits, result.predicted);
    result.recall = ratio(hits, result.texts);
    result.f1 = ratio(2 * hits, result.predicted + result.texts);
    metrics.macro_precision += result.precision;
    metrics.macro_recall += result.recall;
    metrics.macro_f1 += result.f1;
    occurring += result.predicted + result.texts > 0 ? 1 : 0;
  }
  const auto divisor = static_cast<double>(std::max<std::int64_t>(occurring, 1));
  metrics.macro_precision /= divisor;
  metrics.macro_recall /= divisor;
  metrics.macro_f1 /= divisor;
  metrics.accuracy = ratio(correct, metrics.texts);
  metrics.calibration_error =
      calibration_error(probabilities, labels, static_cast<std::int64_t>(classes));
  if (metrics.texts > 0) metrics.log_loss = loss / static_cast<double>(metrics.texts);
  return metrics;
}

std::string to_text(const Metrics& metrics) {
  const std::size_t names = widest_label(metrics, 10);
  std::string text = fmt::format(
      "accuracy {:.2f} %   log loss {:.4f}   calibration error {:.4f}   {} texts\n\n",
      100 * metrics.accuracy, metrics.log_loss, metrics.calibration_error, metrics.texts);
  const auto row = [&](std::string_view label, double precision, double recall, double f1,
                       std::int64_t texts) {
    text += fmt::format("{}  {:>9.4f}  {:>6.4f}  {:>6.4f}  {:>7}\n", padded(label, names),
                        precision, recall, f1, texts);
  };
  text += fmt::format("{}  precision  recall      F1    texts\n", padded("class", names));
  for (const ClassMetrics& c : metrics.classes) row(c.label, c.precision, c.recall, c.f1, c.texts);
  row("macro mean", metrics.macro_precision, metrics.macro_recall, metrics.macro_f1, metrics.texts);
  return text + (metrics.classes.size() <= kMaxMatrix ? matrix(metrics) : most_confused(metrics));
}

std::string to_json(const Metrics& metrics) {
  nlohmann::ordered_json json{{"texts", metrics.texts},
                              {"accuracy", metrics.accuracy},
                              {"log_loss", metrics.log_loss},
                              {"calibration_error", metrics.calibration_error},
                              {"macro_precision", metrics.macro_precision},
                              {"macro_recall", metrics.macro_recall},
                              {"macro_f1", metrics.macro_f1}};
  json["classes"] = nlohmann::ordered_json::array();
  json["confusion"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    const ClassMetrics& c = metrics.classes[i];
    json["classes"].push_back({{"label", c.label},
                               {"precision", c.precision},
                               {"recall", c.recall},
                               {"f1", c.f1},
                               {"texts", c.texts},
                               {"predicted", c.predicted}});
    const auto row =
        std::span(metrics.confusion).subspan(i * metrics.classes.size(), metrics.classes.size());
    json["confusion"].push_back(std::vector<std::int64_t>(row.begin(), row.end()));
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace gradus::data
