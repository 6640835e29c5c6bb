// Measures predictions, from a model's probabilities and the true labels.
//
//   Metrics metrics = measure(probabilities, labels, {"neg", "pos"});   // probabilities [texts, 2]
//   metrics.accuracy, metrics.classes[1].f1 ...     to_text(metrics), to_json(metrics)
//
// The prediction is the most probable class, the first of equals. For a class c, with tp texts of c
// predicted as c:
//   precision = tp / texts predicted as c      0 if there are none
//   recall    = tp / texts of c                0 if there are none
//   f1        = 2 tp / (texts predicted as c + texts of c), their harmonic mean; 0 if no such texts
// Macro means are over the classes that occur as a label or a prediction. The log loss is the mean
// of -ln p(true class), with p at least 1e-7, so that one confident error does not make it
// infinite. Without texts everything is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus::data {

// With more classes there is no confusion matrix: it grows with their square.
inline constexpr std::size_t kMostConfusedClasses = 1000;

struct ClassMetrics {
  std::string label;
  std::int64_t texts = 0;      // of this class
  std::int64_t predicted = 0;  // as this class
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

// For two classes: the second is predicted if its probability is above the threshold.
struct Threshold {
  double probability = 0.5;
  double accuracy = 0;  // with this threshold
};

struct Metrics {
  std::int64_t texts = 0;
  double accuracy = 0;
  double log_loss = 0;
  double calibration_error = 0;  // data/calibration.h
  double macro_precision = 0;
  double macro_recall = 0;
  double macro_f1 = 0;
  Threshold threshold;  // for two classes: best_threshold()
  std::vector<ClassMetrics> classes;
  // [classes, classes]: row = true class, column = predicted; empty above kMostConfusedClasses.
  std::vector<std::int64_t> confusion;

  std::int64_t confused(std::size_t truth, std::size_t prediction) const {
    return confusion[truth * classes.size() + prediction];
  }
};

// The prediction: the index of the largest number in a row, the first of equals.
template <class Row>
std::size_t likeliest(const Row& row) {
  return static_cast<std::size_t>(std::ranges::max_element(row) - std::ranges::begin(row));
}

// Throws as check_texts() does (data/calibration.h).
Metrics measure(std::span<const float> probabilities, std::span<const std::int32_t> labels,
                std::span<const std::string> names);

// The threshold with the highest accuracy on these texts; of equally good ones, the nearest to 0.5,
// which measure() uses. A rare class, or one whose errors cost more, may need another.
// `probabilities` are [texts, 2]. Throws as check_texts() does.
Threshold best_threshold(std::span<const float> probabilities,
                         std::span<const std::int32_t> labels);

// At most `most` wrongly predicted texts, those with the lowest probability of the true class
// first: where a model is confident and wrong, the label is often the mistake. Throws as
// check_texts() does.
std::vector<std::int64_t> most_wrong(std::span<const float> probabilities,
                                     std::span<const std::int32_t> labels, std::int64_t classes,
                                     std::int64_t most);

// A table of the classes and the confusion matrix, or, if that is wider than 100 columns, the most
// frequent confusions. Ends with a newline.
std::string to_text(const Metrics& metrics);
// One JSON object with the fields above. confusion is a list of rows; the threshold, for two
// classes only, is best_threshold and best_threshold_accuracy. Without the confusion its size grows
// with the classes, not with their square.
std::string to_json(const Metrics& metrics, bool confusion = true);

}  // namespace gradus::data
