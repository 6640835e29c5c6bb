// Several models trained and joined into one, with unlabelled texts and without.

#include "apps/classify/ensemble.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/prepare.h"
#include "apps/classify/train_files.h"
#include "apps/classify/trainer.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "tensor/error.h"
#include "tensor/philox.h"
#include "tensor/random.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::classify;

namespace {

// Every parameter random, as training leaves it: queries and scales begin as zeros and ones.
NgramClassifier random_model(const Config& config) {
  NgramClassifier model(config);
  const NoGrad off;
  for (const Tensor& parameter : model.parameters()) {
    Tensor(parameter).assign(normal(parameter.shape(), 0.5, 0.5));
  }
  model.eval();
  return model;
}

// Two texts, of four positions and three.
const data::Batch kBatch{{4, 1, 0, 3, 2, 5, 1}, {0, 4, 7}, {0, 2}, {0, 1}, {0, 2, 2, 3, 5, 5, 6, 7},
                         {3, 1, 4, 1, 5, 2, 6}};

}  // namespace

TEST_CASE("models joined give the mean of their logits") {
  manual_seed(3);
  for (const EncoderKind encoder : {EncoderKind::ngram, EncoderKind::wide_deep}) {
    CAPTURE(std::string(name_of(encoder)));
    Config config = defaults_of(encoder);
    config.vocabulary = 7;
    config.ngrams = 6;
    config.classes = 3;
    config.attention_size = 8;
    const NgramClassifier a = random_model(config), b = random_model(config),
                          c = random_model(config);
    const std::unique_ptr<NgramClassifier> all = join({&a, &b, &c});
    CHECK(all->config().members == 3);
    const NoGrad off;
    const Tensor mean = (a(kBatch).logits + b(kBatch).logits + c(kBatch).logits) / 3;
    const Tensor difference = abs((*all)(kBatch).logits - mean);
    CHECK(max(difference).item() < 1e-4 * max(abs(mean)).item());
    REFUSES(Error, join({&a, all.get()}),
            "[join] models must be single ones with the same configuration and dot attention");
  }
}

namespace {

TrainOptions few_texts(const TemporaryFolder& folder) {
  std::string labelled, unlabelled;
  for (int i = 0; i < 300; ++i) {
    const auto random = philox(5, 0, static_cast<std::uint64_t>(i));
    const char* words[2][2] = {{"awful", "dreadful"}, {"superb", "lovely"}};
    const std::size_t label = random[0] % 2;
    const auto text = fmt::format("{} the film was {} and {}\n", i, words[label][random[1] % 2],
                                  words[label][random[2] % 2]);
    if (i % 3 == 0) {
      labelled += fmt::format("{}\t{}", label == 0 ? "poor" : "good", text);
    } else {
      unlabelled += "only " + text;
    }
  }
  TrainOptions options;
  options.data = folder.write("labelled.tsv", labelled);
  options.unlabelled = folder.write("unlabelled.txt", unlabelled);
  options.out = folder / "model.safetensors";
  options.config = defaults_of(EncoderKind::wide_deep);
  options.settings = settings_of(EncoderKind::wide_deep);
  options.settings.batch_tokens = 256;
  options.ensemble = 3;
  options.quiet = true;
  return options;
}

}  // namespace

TEST_CASE("an ensemble learns from unlabelled texts, too, and its file is one model") {
  const TemporaryFolder folder;
  TrainOptions options = few_texts(folder);
  CHECK(run_train(options));
  const SavedModel saved = load_model(options.out);
  CHECK(saved.model->config().members == 3);
  const auto metrics = nlohmann::json::parse(saved.metrics);
  CHECK(metrics.at("accuracy").get<double>() > 0.95);    // chance is 0.5; one word decides
  CHECK(saved.vocabulary.id("only") != data::kUnknown);  // of the unlabelled texts alone
}

namespace {

// The held-out losses of the epochs of each model, and of the models joined after it.
struct LoggedModel {
  std::vector<double> epochs;
  double joined = 0;
};
std::vector<LoggedModel> logged(const TrainOptions& options) {
  std::vector<LoggedModel> models(1);
  std::ifstream file(options.log);
  for (std::string line; std::getline(file, line);) {
    const auto row = nlohmann::json::parse(line);
    if (!row.contains("held_out_loss")) continue;
    const double loss = row.at("held_out_loss");
    if (!row.contains("models")) {
      models.back().epochs.push_back(loss);
    } else {
      models.back().joined = loss;
      models.emplace_back();
    }
  }
  models.pop_back();
  return models;
}

}  // namespace

TEST_CASE("an ensemble has each model as its best epoch left it") {
  const TemporaryFolder folder;
  TrainOptions options = few_texts(folder);
  std::string texts;
  for (int i = 0; i < 300; ++i) {  // half of the labels are chance: soon there is nothing to learn
    const auto random = philox(5, 1, static_cast<std::uint64_t>(i));
    const bool good = random[0] % 2 == 0,
               says_good = random[1] % 2 == 0 ? good : random[2] % 2 == 0;
    texts += fmt::format("{}\tthe film was {} {} {}\n", good ? "good" : "poor",
                         says_good ? "superb" : "awful", random[3] % 50, i % 7);
  }
  options.data = folder.write("noisy.tsv", texts);
  options.unlabelled.clear();
  options.config = defaults_of(EncoderKind::ngram);
  options.log = folder / "log";
  options.ensemble = 2;
  options.settings.epochs = 8;
  options.settings.lr = 0.1;
  CHECK(run_train(options));
  const std::vector<LoggedModel> models = logged(options);
  REQUIRE(models.size() == 2);
  const std::vector<double>& first = models[0].epochs;
  REQUIRE(first.size() == 8);
  const double best = *std::ranges::min_element(first);
  CHECK(best + 0.01 < first.back());
  CHECK(models[0].joined == doctest::Approx(best).epsilon(1e-5));
}

TEST_CASE(
    "with unlabelled texts, later models take as many steps in fewer epochs, or the epochs asked "
    "for") {
  const TemporaryFolder folder;
  TrainOptions options = few_texts(folder);
  options.log = folder / "log";
  options.ensemble = 2;
  options.settings.epochs = 3;
  CHECK(run_train(options));
  CHECK(logged(options).at(0).epochs.size() == 3);
  CHECK(logged(options).at(1).epochs.size() == 2);
  options.settings.epochs = 30;
  CHECK(run_train(options));
  CHECK(logged(options).at(1).epochs.size() == 9);  // of 280 texts, as many steps as 30 of 80
  options.settings.epochs = 3;
  options.given = {"--epochs"};
  CHECK(run_train(options));
  CHECK(logged(options).at(1).epochs.size() == 3);
}

TEST_CASE("a model file that another program wrote is not taken for one's own") {
  const TemporaryFolder folder;
  TrainOptions options = few_texts(folder);
  options.unlabelled.clear();
  options.ensemble = 1;
  CHECK(run_train(options));
  const SavedModel saved = load_model(options.out);
  ModelFile file(folder / "m");
  file.save(saved);
  file.save(saved);
  file.check();
  std::filesystem::copy_file(folder / "m", folder / "copy");
  std::filesystem::rename(folder / "copy", folder / "m");
  file.check();  // another file with the same model
  std::filesystem::remove(folder / "m");
  file.save(saved);  // moved away: written again
  folder.write("m", "another's");
  const std::string message = fmt::format(
      "[train] {} was written or removed by another program while this one trained; "
      "let each training have an --out of its own",
      (folder / "m").string());
  REFUSES(IoError, file.save(saved), message);
  REFUSES(IoError, file.check(), message);
}

TEST_CASE("without a least number of times, unlabelled texts bring all their n-grams") {
  const TemporaryFolder folder;
  TrainOptions options = few_texts(folder);
  data::Split split;
  split.train = split.held_out = {{"one two", 0}, {"three four", 1}};
  const std::vector<data::Text> more{{"five six", 0}, {"one two", 0}};
  options.config.encoder = EncoderKind::ngram;
  REFUSES(
      Error, prepare(options, split, more, {"a", "b"}),
      "[train] no word comes three times in these texts, so there are no n-grams to learn; other "
      "encoders know words that come once (--encoder)");
  options.config.without = {Piece::twice};
  CHECK(prepare(options, split, more, {"a", "b"}).saved.ngrams.size() == 9);  // 6 words, 3 pairs
}

TEST_CASE("the largest models that can be trained and joined can be read") {
  const TemporaryFolder folder;
  Config config = defaults_of(EncoderKind::ngram);
  config.vocabulary = 7;
  config.ngrams = 6;
  config.classes = 2;
  config.attention_size = 1 << 14;
  const NgramClassifier a(config), b(config), c(config), d(config), e(config);
  SavedModel saved;
  saved.vocabulary = data::Vocabulary({"<unk>", "a", "b", "c", "d", "e", "f"});
  saved.labels = {"neg", "pos"};
  saved.model = join({&a, &b, &c, &d, &e});
  saved.ngrams = data::Ngrams({{1}, {2}, {3}, {4}, {5}, {6}}, 7, {});
  dynamic_cast<NgramClassifier&>(*saved.model).set_ngrams(saved.ngrams);
  save_model(folder / "m", saved);
  CHECK(load_model(folder / "m").model->config().attention_size == 5 << 14);
  config.heads = 1 << 10;
  config.attention_size *= kMostMembers;
  config.heads *= kMostMembers;
  config.members = kMostMembers;
  CHECK(config_from_json(to_json(config)).heads == config.heads);
  config.attention_size *= 2;
  CHECK_THROWS_AS(config_from_json(to_json(config)), IoError);
}

TEST_CASE("training stops when the held-out loss has not fallen for `patience` epochs") {
  const TemporaryFolder folder;
  TrainOptions options = few_texts(folder);
  options.ensemble = 1;
  options.unlabelled.clear();
  options.log = folder / "log.jsonl";
  options.settings.epochs = 40;
  options.settings.patience = 2;
  options.settings.lr = 0.5;  // much too large: it soon gets worse
  CHECK(run_train(options));
  std::ifstream log(options.log);
  int epochs = 0;
  for (std::string line; std::getline(log, line);) epochs += line.find("held_out") < line.size();
  CHECK(epochs > 2);
  CHECK(epochs < 40);
}
