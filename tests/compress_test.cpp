// `gradus compress`: fewer n-grams, fewer bytes, nearly the same model.
#include "apps/classify/compress.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "apps/classify/ngram_model.h"
#include "apps/classify/probabilities.h"
#include "nn/init.h"
#include "tensor/error.h"
#include "tests/program.h"

using namespace gradus;
using namespace gradus::classify;

namespace {

// Words a, b, c, d, each a unigram; classes x and y. Of the table only what lies along [1, 1] tells the
// classes apart: W = [[1, 1], [-1, -1]].
SavedModel made_up() {
  SavedModel saved;
  saved.vocabulary = data::Vocabulary({std::string(data::kUnknownWord), "a", "b", "c", "d"});
  saved.ngrams = data::Ngrams({{1}, {2}, {3}, {4}}, 5, {.longest = 1});
  saved.labels = {"x", "y"};
  saved.metrics = R"({"accuracy":1,"macro_f1":1,"log_loss":0,"texts":2})";
  const Config config{.encoder = EncoderKind::ngram,
                      .vocabulary = 5,
                      .ngrams = 4,
                      .longest = 1,
                      .classes = 2,
                      .attention_size = 2,
                      .heads = 1};
  auto model = std::make_unique<NgramClassifier>(config);
  model->set_ngrams(saved.ngrams);
  for (auto& [name, x] : model->state()) {
    if (name == "table") x.assign(tensor({{1, -1}, {1, 1}, {3, 0}, {-2, -2}}));
    if (name == "classes.weight") x.assign(tensor({{1, 1}, {-1, -1}}));
  }
  model->temperature = 2;
  saved.model = std::move(model);
  return saved;
}

std::vector<std::string> words_of(const SavedModel& saved) {
  std::vector<std::string> words;
  for (std::int64_t i = 0; i < saved.ngrams.size(); ++i) {
    words.push_back(saved.ngrams.text(i, saved.vocabulary));
  }
  return words;
}

}  // namespace

TEST_CASE("the n-grams that matter least go first") {
  // W row = +-[0, 2, 3, -4], so the importances are twice 0, 4 / 2, 9 / 3 and 16 / 4.
  const std::vector<std::vector<std::string>> kept{
      {"d"}, {"c", "d"}, {"b", "c", "d"}, {"a", "b", "c", "d"}};
  for (std::size_t count = 1; count <= 4; ++count) {
    SavedModel saved = made_up();
    prune(saved, static_cast<std::int64_t>(count));
    CHECK(words_of(saved) == kept[count - 1]);
    CHECK(saved.model->config().ngrams == static_cast<std::int64_t>(count));
    CHECK(saved.model->temperature == 2);
    CHECK(saved.metrics.empty());
  }
}

TEST_CASE("a text of kept n-grams has the same probabilities") {
  SavedModel saved = made_up();
  const std::vector<data::Text> texts{{"c d d", 0}, {"d", 0}, {"c", 0}};
  const auto before = probabilities(*saved.model, encode(saved, texts));
  prune(saved, 2);
  CHECK(probabilities(*saved.model, encode(saved, texts)) == before);
}

TEST_CASE("a compressed file is smaller, works, and says nothing of the whole model's accuracy") {
  for (const std::string encoder : {"ngram", "wide-deep", "linear"}) {
    CAPTURE(encoder);
    const TemporaryFolder folder;
    write_table(folder);
    REQUIRE(train(folder, fmt::format("--encoder {}", encoder)).status == 0);
    const auto size = [&](const char* name) { return std::filesystem::file_size(folder / name); };
    REQUIRE(
        run_gradus(folder, "compress --model m.safetensors --half --out h.safetensors").status ==
        0);
    CHECK(size("h.safetensors") < size("m.safetensors"));
    const char* predict = "predict --model {}.safetensors films.csv | cut -f 1";
    const std::string whole = run_gradus(folder, fmt::format(fmt::runtime(predict), "m")).out;
    CHECK(run_gradus(folder, fmt::format(fmt::runtime(predict), "h")).out == whole);

    const Result pruned =
        run_gradus(folder, "compress --model m.safetensors --prune 0.5 --out m.safetensors");
    if (std::string(encoder) == "linear") {
      CHECK(pruned.status == 1);
      CHECK(pruned.error.find("the linear encoder has none") != std::string::npos);
      continue;
    }
    CHECK(pruned.out.find("n-grams kept") != std::string::npos);
    REQUIRE(run_gradus(folder, "compress --model h.safetensors --prune 0.5 --out h.safetensors")
                .status == 0);
    CHECK(size("h.safetensors") < size("m.safetensors"));  // its numbers still have 16 bits
    CHECK(run_gradus(folder, fmt::format(fmt::runtime(predict), "m")).out == whole);
    CHECK(run_gradus(folder, "info --model m.safetensors").out.find("held out") ==
          std::string::npos);
  }
}
