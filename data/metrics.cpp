#include "data/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/calibration.h"
#include "data/columns.h"
#include "tensor/error.h"

namespace gradus::data {

namespace {

constexpr std::size_t kMaxColumns = 100;    // of a terminal
constexpr double kThreshold = 0.5;          // between two classes
constexpr double kLeastProbability = 1e-7;  // in the log loss
constexpr std::size_t kMaxConfusions = 15;

double ratio(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::size_t widest_label(const Metrics& metrics, std::size_t at_least) {
  for (const ClassMetrics& c : metrics.classes) at_least = std::max(at_least, columns(c.label));
  return at_least;
}

std::string most_confused(const Metrics& metrics) {
  struct Confusion {
    std::size_t truth, prediction;
    std::int64_t count;
  };
  if (metrics.confusion.empty()) return "";
  std::vector<Confusion> all;
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    for (std::size_t j = 0; j < metrics.classes.size(); ++j) {
      if (i != j && metrics.confused(i, j) > 0) all.push_back({i, j, metrics.confused(i, j)});
    }
  }
  if (all.empty()) return "";
  std::ranges::stable_sort(all, std::greater{}, &Confusion::count);
  const std::size_t names = widest_label(metrics, 4);
  std::string text = "\nmost frequent confusions\n";
  text += fmt::format("{}  {}  {:>6}  share of the true class\n", padded("true", names),
                      padded("predicted", std::max<std::size_t>(names, 9)), "texts");
  for (const Confusion& c : std::span(all).first(std::min(all.size(), kMaxConfusions))) {
    const ClassMetrics& truth = metrics.classes[c.truth];
    text +=
        fmt::format("{}  {}  {:>6}  {:.1f} %\n", padded(truth.label, names),
                    padded(metrics.classes[c.prediction].label, std::max<std::size_t>(names, 9)),
                    c.count, 100 * ratio(c.count, truth.texts));
  }
  return text;
}

// The matrix, or where that is too wide what stands out in it.
std::string confusion(const Metrics& metrics) {
  const std::size_t names = widest_label(metrics, 4);
  const std::size_t cell = widest_label(metrics, 6) + 2;
  if (names + metrics.classes.size() * cell > kMaxColumns) return most_confused(metrics);
  std::string text =
      fmt::format("\nconfusion (rows: true, columns: predicted)\n{}", padded("", names));
  for (const ClassMetrics& c : metrics.classes) text += padded_left(c.label, cell);
  text += '\n';
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    text += padded(metrics.classes[i].label, names);
    for (std::size_t j = 0; j < metrics.classes.size(); ++j) {
      text += fmt::format("{:>{}}", metrics.confused(i, j), cell);
    }
    text += '\n';
  }
  return text;
}

std::string threshold_line(const Metrics& metrics) {
  return fmt::format(
      "\n{} is predicted above {:.2f}; on these texts {:.4f} would be best: {:.2f} %\n",
      metrics.classes[1].label, kThreshold, metrics.threshold.probability,
      100 * metrics.threshold.accuracy);
}

}  // namespace

// Sorted by the probability of class 1, a threshold between two neighbours gives the texts before it to
// class 0 and the others to class 1: the hits change by one from each place to the next.
Threshold best_threshold(std::span<const float> probabilities,
                         std::span<const std::int32_t> labels) {
  check_texts("best_threshold", probabilities, labels, 2);
  std::vector<std::pair<double, bool>> sorted;  // the probability of class 1, and is it true?
  for (std::size_t i = 0; i < labels.size(); ++i) {
    sorted.emplace_back(double{probabilities[2 * i + 1]}, labels[i] == 1);
  }
  std::ranges::sort(sorted);
  std::int64_t hits = std::ranges::count(labels, 1), most = -1;
  Threshold best;
  double before = 0;
  for (std::size_t i = 0; i <= sorted.size(); ++i) {
    const double next = i < sorted.size() ? sorted[i].first : 1;
    if (before < next || i == sorted.size()) {
      const double t = before <= kThreshold && kThreshold < next ? kThreshold : (before + next) / 2;
      const bool nearer = std::abs(t - kThreshold) < std::abs(best.probability - kThreshold);
      if (hits > most || (hits == most && nearer)) {
        most = hits;
        best = {t, ratio(hits, std::ssize(labels))};
      }
    }
    if (i < sorted.size()) hits += sorted[i].second ? -1 : 1;
    before = next;
  }
  return best;
}

std::vector<std::int64_t> most_wrong(std::span<const float> probabilities,
                                     std::span<const std::int32_t> labels, std::int64_t classes,
                                     std::int64_t most) {
  check_texts("most_wrong", probabilities, labels, classes);
  std::vector<std::pair<float, std::int64_t>> wrong;  // the probability of the true class, the text
  for (std::int64_t i = 0; i < std::ssize(labels); ++i) {
    const auto row = probabilities.subspan(static_cast<std::size_t>(i * classes),
                                           static_cast<std::size_t>(classes));
    const auto truth = static_cast<std::size_t>(labels[static_cast<std::size_t>(i)]);
    if (likeliest(row) != truth) wrong.emplace_back(row[truth], i);
  }
  std::ranges::sort(wrong);
  wrong.resize(std::min(wrong.size(), static_cast<std::size_t>(most)));
  std::vector<std::int64_t> texts;
  for (const auto& [p, text] : wrong) texts.push_back(text);
  return texts;
}

Metrics measure(std::span<const float> probabilities, std::span<const std::int32_t> labels,
                std::span<const std::string> names) {
  const std::size_t classes = names.size();
  check_texts("measure", probabilities, labels, std::ssize(names));
  Metrics metrics;
  metrics.texts = std::ssize(labels);
  for (const std::string& name : names) metrics.classes.push_back({.label = name});
  if (classes <= kMostConfusedClasses) metrics.confusion.resize(classes * classes);
  std::vector<std::int64_t> hits(classes);
  double loss = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto truth = static_cast<std::size_t>(labels[i]);
    const auto row = probabilities.subspan(i * classes, classes);
    const std::size_t predicted = likeliest(row);
    ++metrics.classes[truth].texts;
    ++metrics.classes[predicted].predicted;
    if (predicted == truth) ++hits[truth];
    if (!metrics.confusion.empty()) ++metrics.confusion[truth * classes + predicted];
    loss -= std::log(std::clamp(static_cast<double>(row[truth]), kLeastProbability, 1.0));
  }

  std::int64_t correct = 0;
  std::int64_t occurring = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    ClassMetrics& result = metrics.classes[c];
    correct += hits[c];
    result.precision = ratio(hits[c], result.predicted);
    result.recall = ratio(hits[c], result.texts);
    result.f1 = ratio(2 * hits[c], result.predicted + result.texts);
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
  if (classes == 2) metrics.threshold = best_threshold(probabilities, labels);
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
  if (metrics.classes.size() == 2) text += threshold_line(metrics);
  return text + confusion(metrics);
}

std::string to_json(const Metrics& metrics, bool confusion) {
  confusion = confusion && !metrics.confusion.empty();
  nlohmann::ordered_json json{{"texts", metrics.texts},
                              {"accuracy", metrics.accuracy},
                              {"log_loss", metrics.log_loss},
                              {"calibration_error", metrics.calibration_error},
                              {"macro_precision", metrics.macro_precision},
                              {"macro_recall", metrics.macro_recall},
                              {"macro_f1", metrics.macro_f1}};
  if (metrics.classes.size() == 2) {
    json["best_threshold"] = metrics.threshold.probability;
    json["best_threshold_accuracy"] = metrics.threshold.accuracy;
  }
  json["classes"] = nlohmann::ordered_json::array();
  if (confusion) json["confusion"] = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < metrics.classes.size(); ++i) {
    const ClassMetrics& c = metrics.classes[i];
    json["classes"].push_back({{"label", c.label},
                               {"precision", c.precision},
                               {"recall", c.recall},
                               {"f1", c.f1},
                               {"texts", c.texts},
                               {"predicted", c.predicted}});
    if (!confusion) continue;
    const auto row =
        std::span(metrics.confusion).subspan(i * metrics.classes.size(), metrics.classes.size());
    json["confusion"].push_back(std::vector<std::int64_t>(row.begin(), row.end()));
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace gradus::data
