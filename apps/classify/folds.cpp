// Cross-validation: each text is held out once, by a model that has not seen it.
#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <set>

#include "apps/classify/class_gaps.h"
#include "apps/classify/commands.h"
#include "apps/classify/fit.h"
#include "apps/classify/interrupt.h"
#include "apps/classify/prepare.h"
#include "apps/classify/process_memory.h"
#include "apps/classify/seconds.h"
#include "apps/classify/suited.h"
#include "data/unlabelled.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

data::Split fold_of(const data::Dataset& dataset, const TrainOptions& options, int fold) {
  std::vector<std::int32_t> labels;
  for (const data::Text& text : dataset.train) labels.push_back(text.label);
  const double share = 1 / static_cast<double>(options.folds);
  return data::split_by(dataset.train,
                        data::stratified(labels, share, options.settings.seed, fold));
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

bool run_folds(const TrainOptions& asked) {
  const data::Dataset dataset = read_clean(asked);
  const TrainOptions options = suited(asked, dataset);
  const std::vector<data::Text> unlabelled = read_more(options);
  if (std::ssize(dataset.train) < options.folds) {
    throw Error(fmt::format("[train] {} texts cannot be cut into {} folds", dataset.train.size(),
                            options.folds));
  }
  TrainOptions each = options;
  each.quiet = true;
  catch_interrupts();  // until now there was nothing that could be lost
  std::vector<double> accuracy, loss, seconds;
  std::int64_t dropped = 0;
  std::set<std::string> noted;
  fmt::print("fold  texts  accuracy  macro F1  log loss  calibration error      time\n");
  for (int fold = 0; fold < options.folds; ++fold) {
    const auto begin = Clock::now();
    data::Split split = fold_of(dataset, options, fold);
    for (const std::string& note : close_gaps(split, dataset.labels)) noted.insert(note);
    std::vector<data::Text> more = unlabelled;
    dropped += data::drop_held_out(more, split.held_out);
    Prepared ready = prepare(each, split, more, dataset.labels);
    data::Metrics last;
    const Listeners listeners{
        {}, [&last](const EpochRow&, const data::Metrics& metrics) { last = metrics; }};
    if (fit(each, ready, listeners) != Outcome::finished) {
      fmt::print(stderr, "gradus: stopped after {} of {} folds{}\n", fold, options.folds,
                 fold > 0
                     ? fmt::format(": accuracy {}, log loss {}", spread(accuracy), spread(loss))
                     : "");
      return false;
    }
    const double spent = seconds_since(begin);
    fmt::print("{:>4}  {:>5}  {:>8.4f}  {:>8.4f}  {:>8.4f}  {:>17.4f}  {:>6.1f} s\n", fold + 1,
               last.texts, last.accuracy, last.macro_f1, last.log_loss, last.calibration_error,
               spent);
    std::fflush(stdout);
    accuracy.push_back(last.accuracy);
    loss.push_back(last.log_loss);
    seconds.push_back(spent);
  }
  fmt::print(
      "\nat the end, mean and deviation over the folds: accuracy {}, log loss {}\n"
      "(log losses and calibration errors are slightly too good: the temperature that divides the "
      "logits is fitted on the texts held out)\n"
      "{:.0f} s a fold, at most {:.0f} MB of memory\n",
      spread(accuracy), spread(loss),
      std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size()),
      static_cast<double>(peak_process_memory()) / 1e6);
  if (options.quiet) return true;
  for (const std::string& note : noted) fmt::print("in some folds: {}\n", note);
  if (dropped > 0) {
    fmt::print("{} unlabelled texts are also labelled: the fold that held one out did without it\n",
               dropped);
  }
  return true;
}

}  // namespace gradus::classify
