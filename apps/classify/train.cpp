#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/classify/commands.h"
#include "apps/classify/interrupt.h"
#include "apps/classify/model_file.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/progress_bar.h"
#include "apps/classify/word_vectors.h"
#include "autograd/ops.h"
#include "data/split.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::int64_t kMostWords = 1 << 20;

// Finds out before hours of training, not after, that the model cannot be written.
void check_writable(const fs::path& out) {
  const fs::path folder = out.has_parent_path() ? out.parent_path() : fs::path(".");
  if (fs::is_directory(out)) {
    throw IoError(fmt::format("[train] --out {} is a folder; name a file in it", out.string()));
  }
  if (!fs::is_directory(folder)) {
    throw IoError(fmt::format("[train] the folder {} of --out does not exist", folder.string()));
  }
  const fs::path trial = out.string() + ".trial";
  if (!std::ofstream(trial)) {
    throw IoError(fmt::format("[train] cannot write to {}", folder.string()));
  }
  fs::remove(trial);
}

// One JSON object a line, flushed as it is written, so that it can be followed.
class Log {
 public:
  explicit Log(const fs::path& path) {
    if (path.empty()) return;
    file_.open(path, std::ios::trunc);
    if (!file_) throw IoError(fmt::format("[train] cannot write the log {}", path.string()));
  }
  void write(const ordered_json& json) {
    if (file_.is_open()) file_ << json.dump() << std::endl;
  }

 private:
  std::ofstream file_;
};

data::Split read_texts(const TrainOptions& options, std::vector<std::string>& labels) {
  data::Dataset dataset = data::read_dataset(options.data, options.read);
  const std::string source = dataset.source;
  const std::vector<std::string> notes = dataset.notes;
  const bool own_test = !dataset.test.empty();
  const data::CleanCounts counts = data::clean(dataset);
  labels = dataset.labels;
  data::Split split =
      data::split_texts(std::move(dataset), options.valid_fraction, options.settings.seed);
  if (options.quiet) return split;
  fmt::print("{}: {}, {} classes\n", options.data.string(), source, labels.size());
  for (const std::string& note : notes) fmt::print("{}\n", note);
  fmt::print("{}\n", data::to_string(counts));
  fmt::print("{} texts to learn from, {} held out ({})\n", split.train.size(),
             split.held_out.size(),
             own_test ? "the data's own test split"
                      : fmt::format("{:.0f} % of each class", 100 * options.valid_fraction));
  std::fflush(stdout);
  return split;
}

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
  return {{"epoch", r.epoch},
          {"train_loss", r.train_loss},
          {"held_out_loss", r.held_out_loss},
          {"held_out_accuracy", r.accuracy},
          {"held_out_macro_f1", r.macro_f1},
          {"tokens_per_second", r.tokens_per_second},
          {"seconds", r.seconds},
          {"best", r.best}};
}

Tensor learn_vectors(const TrainOptions& options, const data::EncodedTexts& texts,
                     std::int64_t words) {
  ProgressBar progress(1, options.quiet);
  std::int64_t tokens = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const WordVectorOptions settings{.seed = options.settings.seed};
  Tensor vectors = train_word_vectors(texts, words, settings, [&](double done, double loss) {
    tokens = static_cast<std::int64_t>(done * static_cast<double>(settings.passes) *
                                       static_cast<double>(texts.ids.size()));
    progress.step(1, done, loss, static_cast<double>(tokens) / seconds());
    return !interrupted();
  });
  if (!options.quiet) {
    fmt::print("word vectors from {} words in {:.1f} s\n", texts.ids.size(), seconds());
  }
  return vectors;
}

// The vocabulary, the n-grams and the model that is to learn them; returns the texts as it reads them.
data::EncodedTexts learn_words(const TrainOptions& options, std::span<const data::Text> train,
                               SavedModel& saved) {
  manual_seed(options.settings.seed);
  Config config = options.config;
  const bool by_ngrams = reads_ngrams(config.encoder);
  // A word that is there once is in no n-gram that is there twice.
  auto [vocabulary, texts] = data::learn_vocabulary(
      train, by_ngrams ? kMostWords : options.vocabulary_size, by_ngrams ? 2 : 1);
  saved.vocabulary = std::move(vocabulary);
  config.vocabulary = saved.vocabulary.size();
  config.classes = static_cast<std::int64_t>(saved.labels.size());
  const bool deep = config.encoder == EncoderKind::wide_deep;
  const Tensor vectors = deep ? learn_vectors(options, texts, config.vocabulary) : Tensor();
  if (by_ngrams) {
    saved.ngrams = data::Ngrams::of_texts(texts, ngram_options(config));
    if (saved.ngrams.size() == 0) {
      throw Error(
          "[train] no word comes twice in these texts, so there are no n-grams to learn; "
          "other encoders know words that come once (--encoder)");
    }
    texts = saved.ngrams.encode(texts);
    config.ngrams = saved.ngrams.size();
  }
  saved.model = make_classifier(config);
  if (by_ngrams) {
    auto& model = dynamic_cast<NgramClassifier&>(*saved.model);
    model.set_ngrams(saved.ngrams);
    if (deep) model.deep()->embed.weight.assign(vectors);
  }
  return texts;
}

}  // namespace

bool run_train(const TrainOptions& options) {
  check_writable(options.out);
  Log log(options.log);
  SavedModel saved;
  catch_interrupts();
  const data::Split split = read_texts(options, saved.labels);
  data::EncodedTexts texts = learn_words(options, split.train, saved);
  const data::EncodedTexts held_out = encode(saved, split.held_out);

  if (!options.quiet) {
    const Config& config = saved.model->config();
    fmt::print("{} words{}; {} encoder, {} attention, {} parameters\n", config.vocabulary,
               config.ngrams > 0 ? fmt::format(", {} n-grams", config.ngrams) : "",
               name_of(config.encoder), name_of(config.attention), saved.model->parameter_count());
    std::fflush(stdout);
  }

  ProgressBar progress(options.settings.epochs, options.quiet);
  data::Metrics best;
  bool any_saved = false;
  std::size_t most_bytes = 0;
  const Listeners listeners{[&](const StepReport& report) {
                              progress.step(report.epoch, report.done, report.loss,
                                            report.tokens_per_second);
                              log.write(json_of(report));
                              most_bytes = std::max(most_bytes, report.peak_bytes);
                            },
                            [&](const EpochRow& row, const data::Metrics& metrics) {
                              progress.row(row);
                              log.write(json_of(row));
                              if (!row.best) return;
                              best = metrics;
                              saved.metrics = data::to_json(metrics);
                              save_model(options.out, saved);
                              any_saved = true;
                            }};
  const Outcome outcome =
      train(*saved.model, saved.labels, texts, held_out, options.settings, listeners);
  if (!any_saved) {  // stopped within the first epoch: what there is, without metrics
    save_model(options.out, saved);
  }
  if (!options.quiet) {
    if (any_saved) fmt::print("\nOn held-out texts, the best epoch:\n{}", data::to_text(best));
    if (most_bytes > 0) {
      fmt::print("\nA step used at most {:.1f} MB of memory.\n",
                 static_cast<double>(most_bytes) / 1e6);
    }
    fmt::print("\n{}saved {} ({:.1f} MB)\n",
               outcome == Outcome::finished ? ""
               : any_saved                  ? "Stopped; the best epoch is "
                           : "Stopped within the first epoch; the weights as they were are ",
               options.out.string(), static_cast<double>(fs::file_size(options.out)) / 1e6);
  }
  return outcome == Outcome::finished;
}

}  // namespace gradus::classify
