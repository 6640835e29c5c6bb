#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/classify/class_gaps.h"
#include "apps/classify/commands.h"
#include "apps/classify/fit.h"
#include "apps/classify/interrupt.h"
#include "apps/classify/model_file.h"
#include "apps/classify/prepare.h"
#include "apps/classify/probabilities.h"
#include "apps/classify/process_memory.h"
#include "apps/classify/progress_bar.h"
#include "apps/classify/suited.h"
#include "apps/classify/train_files.h"
#include "data/split.h"
#include "data/unlabelled.h"

namespace gradus::classify {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json json_of(const StepReport& r) {
  return {{"step", r.step},
          {"epoch", r.epoch},
          {"loss", r.loss},
          {"lr", r.lr},
          {"tokens", r.tokens},
          {"tokens_per_second", r.tokens_per_second},
          {"peak_bytes", r.peak_bytes}};
}

ordered_json json_of(const EpochRow& r) {
  if (r.models > 0) {
    return {{"models", r.models},
            {"held_out_loss", r.held_out_loss},
            {"held_out_accuracy", r.accuracy},
            {"held_out_macro_f1", r.macro_f1},
            {"best", r.best}};
  }
  return {{"epoch", r.epoch},
          {"train_loss", r.train_loss},
          {"held_out_loss", r.held_out_loss},
          {"held_out_accuracy", r.accuracy},
          {"held_out_macro_f1", r.macro_f1},
          {"tokens_per_second", r.tokens_per_second},
          {"seconds", r.seconds},
          {"best", r.best}};
}

// Of the model in the file, which need not be the one that training ended with.
data::Metrics measure_saved(const fs::path& path, const std::vector<data::Text>& texts) {
  const SavedModel saved = load_model(path);
  const data::EncodedTexts encoded = encode(saved, texts);
  return data::measure(probabilities(*saved.model, encoded), encoded.labels, saved.labels);
}

// On texts that nothing was chosen by, if there are any.
void print_result(const TrainOptions& options, const data::Metrics& held_out, std::int64_t epoch,
                  double temperature, const std::vector<data::Text>& test) {
  const bool joined = options.ensemble > 1;
  const std::string model = fmt::format(
      "{}, logits divided by {:.2f}",
      joined ? "the models joined" : fmt::format("the best epoch, {}", epoch), temperature);
  const char* chosen = joined ? "that number was" : "both were";
  if (test.empty()) {
    fmt::print(
        "\nOn held-out texts, {} ({} chosen by these very texts, so expect a little less of "
        "others):\n{}",
        model, chosen, data::to_text(held_out));
  } else {
    fmt::print("\nOn the data's own test split, {} ({} chosen by the texts held out):\n{}", model,
               chosen, data::to_text(measure_saved(options.out, test)));
  }
}

}  // namespace

bool run_train(const TrainOptions& asked) {
  check_files(asked);
  data::Dataset dataset = read_clean(asked);
  const TrainOptions options = suited(asked, dataset);
  const std::vector<std::string> labels = dataset.labels;
  const std::vector<data::Text> test =
      std::exchange(dataset.test, {});  // measured once, at the end
  // Where results come from a test split, the texts held out only choose, and fewer will do.
  const bool fewer = !test.empty() && !options.given.contains("--valid-fraction");
  const double fraction = options.valid_fraction / (fewer ? 2 : 1);
  data::Split split = data::split_texts(std::move(dataset), fraction, options.settings.seed);
  const std::vector<std::string> notes = close_gaps(split, labels);
  if (!options.quiet) {
    fmt::print("{} texts to learn from, {} held out ({:.0f} % of each class){}\n",
               split.train.size(), split.held_out.size(), 100 * fraction,
               test.empty() ? "" : fmt::format(", {} in the data's own test split", test.size()));
    for (const std::string& note : notes) fmt::print("{}\n", note);
    std::fflush(stdout);
  }
  std::vector<data::Text> unlabelled = read_more(options);
  const std::int64_t dropped =
      data::drop_held_out(unlabelled, split.held_out) + data::drop_held_out(unlabelled, test);
  if (!options.quiet && dropped > 0) {
    fmt::print("{} unlabelled texts are among those held out: not used\n", dropped);
  }
  Prepared ready = prepare(options, split, unlabelled, labels);
  unlabelled = {};
  SavedModel& saved = ready.saved;
  if (!options.quiet) {
    const Config& config = saved.model->config();
    fmt::print("{} words{}; {} encoder, {} attention, {} parameters\n", config.vocabulary,
               config.ngrams > 0 ? fmt::format(", {} n-grams", config.ngrams) : "",
               name_of(config.encoder), name_of(config.attention), saved.model->parameter_count());
    std::fflush(stdout);
  }

  catch_interrupts();    // until now there was nothing that could be lost
  Log log(options.log);  // not before: a log that is there outlives what fails until here
  ProgressBar progress(options.settings.epochs, options.quiet);
  data::Metrics best;
  ModelFile file(options.out);
  std::int64_t best_epoch = 0;
  double temperature = 1;
  std::size_t most_bytes = 0;
  const Listeners listeners{[&](const StepReport& report) {
                              progress.step(report.epoch, report.done, report.loss,
                                            report.tokens_per_second);
                              log.write(json_of(report));
                              most_bytes = std::max(most_bytes, report.peak_bytes);
                            },
                            [&](const EpochRow& row, const data::Metrics& metrics) {
                              if (row.best) {  // in the file before anyone hears of it
                                best = metrics;
                                best_epoch = row.epoch;
                                temperature = saved.model->temperature;
                                saved.metrics = data::to_json(metrics, false);
                                file.save(saved);
                              }
                              progress.row(row);
                              log.write(json_of(row));
                            }};
  const Outcome outcome = fit(options, ready, listeners);
  progress.wipe();
  if (file.saved()) file.check();
  if (options.quiet && outcome != Outcome::finished) {
    fmt::print(stderr, "gradus: stopped{}\n",
               file.saved() ? "; the best until then is saved in " + options.out.string()
                            : " before there was a result: nothing is saved");
  }
  if (!options.quiet && !file.saved()) {
    fmt::print("\nStopped before there was a result: nothing is saved.\n");
  } else if (!options.quiet) {
    print_result(options, best, best_epoch, temperature, test);
    fmt::print("\nA step used at most {:.1f} MB of memory, the program {:.1f} MB.\n",
               static_cast<double>(most_bytes) / 1e6,
               static_cast<double>(peak_process_memory()) / 1e6);
    fmt::print("\n{}saved {} ({:.1f} MB)\n",
               outcome == Outcome::finished ? "" : "Stopped; the best until then is ",
               options.out.string(), static_cast<double>(fs::file_size(options.out)) / 1e6);
  }
  return outcome == Outcome::finished;
}

}  // namespace gradus::classify
