// Classifiers of n-grams with a piece left out: each learns something else, says in its file what it does
// without, and does without it when it predicts.

#include "apps/classify/pieces.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "apps/classify/ngram_model.h"
#include "autograd/ops.h"
#include "tensor/error.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::classify;

namespace {

// Each text has a word that no other has, one word twice, and marks.
std::string sentences() {
  std::string lines;
  for (int i = 0; i < 60; ++i) {
    const std::string said = i % 2 == 0 ? "awful , dull" : "superb , lovely";
    const std::string thing = i % 3 == 0 ? "film" : "plot";
    lines += fmt::format("{}\tonly{} the {} was {} , the {} !\n", i % 2 == 0 ? "poor" : "good", i,
                         thing, said, thing);
  }
  return lines;
}

TrainOptions options_in(const TemporaryFolder& folder, EncoderKind encoder) {
  TrainOptions options;
  options.data = folder.write("sentences.tsv", sentences());
  options.out = folder / "model.safetensors";
  options.config = defaults_of(encoder);
  options.config.attention_size = 8;
  options.settings = settings_of(encoder);
  options.settings.batch_tokens = 100;
  options.quiet = true;
  return options;
}

SavedModel trained(TrainOptions options, const Pieces& without) {
  options.config.without = without;
  run_train(options);
  return load_model(options.out);
}

Output output_of(const SavedModel& saved, const std::string& text) {
  const data::EncodedTexts texts = encode(saved, std::vector<data::Text>{{text, 0}});
  return (*saved.model)(data::make_batch(texts, std::vector<std::int64_t>{0}));
}

std::vector<double> logits_of(const SavedModel& saved) {
  return output_of(saved, "the film was awful , the film !").logits.to_vector<double>();
}

// The n-grams of a text, in words.
std::vector<std::string> ngrams_of(const SavedModel& saved, const std::string& text) {
  std::vector<std::string> found;
  for (const std::int32_t id : encode(saved, std::vector<data::Text>{{text, 0}}).ids) {
    found.push_back(saved.ngrams.text(id, saved.vocabulary));
  }
  return found;
}

std::int64_t count_in(const std::vector<std::string>& list, const std::string& text) {
  return std::ranges::count(list, text);
}

}  // namespace

TEST_CASE("a piece has a name") {
  for (const std::string& name : piece_names()) CHECK(name_of(piece_named(name)) == name);
  CHECK(name_of(Piece::own_losses) == piece_names().back());
  CHECK(!is_deep(Piece::warm_up));
  CHECK(is_deep(Piece::vectors));
  REFUSES(
      Error, piece_named("luck"),
      "[model] there is no piece 'luck'; there are attention, keys, first-only, linearity, twice, "
      "punctuation, ratios, decay, warm-up, vectors, neighbours, word-dropout, parts, own-losses");
}

TEST_CASE("a model without any one piece is another model, and its file says which") {
  const TemporaryFolder folder;
  TrainOptions options = options_in(folder, EncoderKind::wide_deep);
  options.config.attention = Score::euclidean;  // which has all of them
  const std::vector<double> whole = logits_of(trained(options, {}));
  for (const std::string& name : piece_names()) {
    CAPTURE(name);
    const SavedModel saved = trained(options, {piece_named(name)});
    CHECK(saved.model->config().without == Pieces{piece_named(name)});
    CHECK(logits_of(saved) != whole);
  }
}

TEST_CASE("without attention all positions of a text weigh the same") {
  const TemporaryFolder folder;
  const SavedModel saved = trained(options_in(folder, EncoderKind::wide_deep), {Piece::attention});
  const Output output = output_of(saved, "the film was awful");
  CHECK(max(abs(output.weights - 0.25)).item() < 1e-7);
}

TEST_CASE("without first-only an n-gram counts each time, without twice words of one text do") {
  const TemporaryFolder folder;
  const TrainOptions options = options_in(folder, EncoderKind::ngram);
  const std::string text = "the film the film only7";
  const auto usual = ngrams_of(trained(options, {}), text);
  CHECK(count_in(usual, "the film") == 1);
  CHECK(count_in(usual, "only7") == 0);
  const auto repeated = ngrams_of(trained(options, {Piece::first_only}), text);
  CHECK(count_in(repeated, "the film") == 2);
  // Few texts are held out, and with this seed text 7 is not one of them.
  TrainOptions all = options;
  all.valid_fraction = 0.02;
  all.settings.seed = 3;
  const auto rare = ngrams_of(trained(all, {Piece::twice}), text);
  CHECK(count_in(rare, "only7") == 1);
}

TEST_CASE("without punctuation n-grams are made of words alone") {
  const TemporaryFolder folder;
  const TrainOptions options = options_in(folder, EncoderKind::ngram);
  const std::string text = "awful , dull !";
  CHECK(count_in(ngrams_of(trained(options, {}), text), "awful ,") == 1);
  CHECK(ngrams_of(trained(options, {Piece::punctuation}), text) ==
        std::vector<std::string>{"awful", "dull"});
}

TEST_CASE("without warm-up the first step is nearly as long as a step can be") {
  const TemporaryFolder folder;
  TrainOptions options = options_in(folder, EncoderKind::ngram);
  options.log = folder / "log.jsonl";
  const auto first_rate = [&] {
    std::ifstream log(options.log);
    std::string line;
    std::getline(log, line);
    return nlohmann::json::parse(line).at("lr").get<double>() / options.settings.lr;
  };
  options.settings.epochs = 100;
  trained(options, {});
  CHECK(first_rate() < 0.2);
  trained(options, {Piece::warm_up});
  CHECK(first_rate() > 0.99);
}

TEST_CASE("with a ReLU what the n-grams add still makes up the logits") {
  const TemporaryFolder folder;
  const SavedModel saved = trained(options_in(folder, EncoderKind::ngram), {Piece::linearity});
  const auto& model = dynamic_cast<const NgramClassifier&>(*saved.model);
  const data::EncodedTexts texts =
      encode(saved, std::vector<data::Text>{{"the film was awful , dull", 0}, {"lovely !", 1}});
  const data::Batch batch = data::make_batch(texts, std::vector<std::int64_t>{0, 1});
  const Output output = model(batch);
  const auto [entries, base] = model.contributions(batch, output);
  CHECK(min(output.elements.values).item() == 0);  // it does hold something back
  const Tensor of_positions = segment_sum(entries, Segments(batch.bags));
  const Tensor of_texts = segment_sum(of_positions, Segments(batch.offsets));
  CHECK(max(abs(of_texts + base - output.branches[0])).item() < 1e-5);
}
