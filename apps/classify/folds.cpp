// Cross-validation: each text is held out once, by a model that has not seen it.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "apps/classify/commands.h"
#include "apps/classify/interrupt.h"
#include "apps/classify/prepare.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

data::Split fold_of(const data::Dataset& dataset, const TrainOptions& options, int fold) {
  std::vector<std::int32_t> labels;
  for (const data::Text& text : dataset.train) labels.push_back(text.label);
  const std::vector<bool> held_out =
      data::stratified(labels, 1 / static_cast<double>(options.folds), options.settings.seed, fold);
  data::Split split;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    (held_out[i] ? split.held_out : split.train).push_back(dataset.train[i]);
  }
  return split;
}

// "0.9203 +- 0.0031": mean and standard deviation.
std::string spread(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return fmt::format("{:.4f} +- {:.4f}", mean, n > 1 ? std::sqrt(squares / (n - 1)) : 0.0);
}

}  // namespace

bool run_folds(const TrainOptions& options) {
  catch_interrupts();
  const data::Dataset dataset = read_clean(options);
  if (std::ssize(dataset.train) < options.folds) {
    throw Error(fmt::format("[train] {} texts cannot be cut into {} folds", dataset.train.size(),
                            options.folds));
  }
  TrainOptions each = options;
  each.quiet = true;
  std::vector<double> accuracy, loss, seconds;
  fmt::print("fold  texts  accuracy  macro F1  log loss  calibration error  training\n");
  for (int fold = 0; fold < options.folds; ++fold) {
    Prepared ready = prepare(each, fold_of(dataset, options, fold), dataset.labels);
    data::Metrics last;
    double spent = 0;
    const Listeners listeners{{}, [&](const EpochRow& row, const data::Metrics& metrics) {
                                last = metrics;
                                spent = row.seconds;
                              }};
    if (train(*ready.saved.model, ready.saved.labels, ready.texts, ready.held_out, options.settings,
              listeners) != Outcome::finished) {
      return false;
    }
    fmt::print("{:>4}  {:>5}  {:>8.4f}  {:>8.4f}  {:>8.4f}  {:>17.4f}  {:>6.1f} s\n", fold + 1,
               last.texts, last.accuracy, last.macro_f1, last.log_loss, last.calibration_error,
               spent);
    std::fflush(stdout);
    accuracy.push_back(last.accuracy);
    loss.push_back(last.log_loss);
    seconds.push_back(spent);
  }
  fmt::print("\nthe last epoch, mean and deviation over the folds: accuracy {}, log loss {}\n",
             spread(accuracy), spread(loss));
  return true;
}

}  // namespace gradus::classify
