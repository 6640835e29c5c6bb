// The classifier from a file of texts to a model file and back, on a few hundred made-up sentences.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "apps/classify/by_class.h"
#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/probabilities.h"
#include "autograd/ops.h"
#include "nn/safetensors.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::classify;
namespace fs = std::filesystem;

namespace {

constexpr EncoderKind kEncoders[] = {EncoderKind::ngram, EncoderKind::wide_deep,
                                     EncoderKind::linear, EncoderKind::conv,
                                     EncoderKind::transformer};

// Sentences of 5 to 12 words of which one or two tell the class.
fs::path write_sentences(const TemporaryFolder& folder, int count = 300) {
  const std::vector<std::string> plain{"the", "film", "was", "a", "plot", "with", "actor", "and"};
  const std::vector<std::string> telling[2]{{"awful", "boring", "bad"},
                                            {"superb", "lovely", "great"}};
  const fs::path path = folder / "sentences.tsv";
  std::ofstream out(path);
  for (int i = 0; i < count; ++i) {
    const auto random = philox(7, 0, static_cast<std::uint64_t>(i));
    const std::size_t label = random[0] % 2;
    std::string text = fmt::format("{}", i);  // no two alike
    for (std::uint32_t w = 0; w < 5 + random[1] % 8; ++w) {
      text += ' ' + plain[philox(8, static_cast<std::uint64_t>(i), w)[0] % plain.size()];
    }
    text += ' ' + telling[label][random[2] % 3];
    out << (label == 1 ? "good" : "poor") << '\t' << text << '\n';
  }
  return path;
}

TrainOptions small(const fs::path& data, const fs::path& out) {
  TrainOptions options;
  options.data = data;
  options.out = out;
  options.config.attention_size = 16;
  options.config.hidden_size = 32;
  options.settings.epochs = 3;
  options.settings.batch_tokens = 256;
  options.settings.lr = 5e-3;
  options.quiet = true;
  return options;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("each encoder learns with each attention") {
  const TemporaryFolder folder;
  const fs::path data = write_sentences(folder);
  for (EncoderKind encoder : kEncoders) {
    for (Score score : {Score::dot, Score::euclidean, Score::additive}) {
      CAPTURE(std::string(name_of(encoder)));
      CAPTURE(std::string(name_of(score)));
      TrainOptions options = small(data, folder / "model.safetensors");
      options.config.encoder = encoder;
      options.config.attention = score;
      options.config.hops = 2;
      options.settings.epochs = 6;
      CHECK(run_train(options));
      const SavedModel saved = load_model(options.out);
      const auto metrics = nlohmann::json::parse(saved.metrics);
      CHECK(metrics.at("accuracy").get<double>() > 0.95);  // chance is 0.5; one word decides
      CHECK(!metrics.contains("confusion"));  // of thousands of classes, it would be gigabytes
      CHECK(saved.labels == std::vector<std::string>{"good", "poor"});
    }
  }
}

TEST_CASE("one seed gives the same file, whatever the number of threads") {
  const TemporaryFolder folder;
  const fs::path data = write_sentences(folder);
  const int before = num_threads();
  for (EncoderKind encoder : kEncoders) {
    CAPTURE(std::string(name_of(encoder)));
    std::string first;
    for (int threads : {1, 2, 3, 1}) {
      set_num_threads(threads);
      TrainOptions options = small(data, folder / "model.safetensors");
      options.config.encoder = encoder;
      run_train(options);
      if (first.empty()) first = bytes_of(options.out);
      CHECK(bytes_of(options.out) == first);
    }
    TrainOptions other = small(data, folder / "other.safetensors");
    other.config.encoder = encoder;
    other.settings.seed = 2;
    run_train(other);
    CHECK(bytes_of(other.out) != first);
  }
  set_num_threads(before);
}

TEST_CASE("any text has a prediction") {
  const TemporaryFolder folder;
  const TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
  run_train(options);
  const SavedModel saved = load_model(options.out);
  const std::vector<data::Text> texts{
      {"", 0}, {"qwxyz", 0}, {"superb", 0}, {std::string(5000, '!'), 0}};
  for (float p : probabilities(*saved.model, encode(saved, texts))) {
    CHECK(p >= 0);
    CHECK(p <= 1);
  }
}

TEST_CASE("what the n-grams of a text add makes up its logits") {
  const TemporaryFolder folder;
  TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
  options.config.encoder = EncoderKind::ngram;
  options.config.skips = true;
  run_train(options);
  const SavedModel saved = load_model(options.out);
  const auto& model = dynamic_cast<const NgramClassifier&>(*saved.model);
  const std::vector<data::Text> texts{
      {"the film was superb with a plot", 0}, {"", 0}, {"awful", 1}};
  const data::EncodedTexts encoded = encode(saved, texts);
  for (std::int64_t i = 0; i < encoded.size(); ++i) {
    const data::Batch batch = data::make_batch(encoded, std::vector<std::int64_t>{i});
    const Output output = model(batch);
    const auto [entries, base] = model.contributions(batch, output);
    CHECK(entries.shape() == Shape{std::ssize(batch.tokens), 2});
    const std::vector<double> sums = (sum(entries, 0) + base).to_vector<double>();
    const std::vector<double> logits = output.branches[0].to_vector<double>();
    for (std::size_t c = 0; c < 2; ++c) CHECK(sums[c] == doctest::Approx(logits[c]).epsilon(1e-5));
  }
}

TEST_CASE("texts without a word that comes twice teach no n-grams") {
  const TemporaryFolder folder;
  TrainOptions options = small(folder.write("odd.tsv", "a\tone\na\ttwo\nb\tthree\nb\tfour\n"),
                               folder / "m.safetensors");
  options.config.encoder = EncoderKind::ngram;
  options.valid_fraction = 0.5;
  CHECK_THROWS_WITH_AS(run_train(options), doctest::Contains("twice"), Error);
  CHECK(!fs::exists(options.out));
}

TEST_CASE("a loss that is no number stops training, names the operation, keeps the last model") {
  const TemporaryFolder folder;
  TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
  run_train(options);
  const std::string good = bytes_of(options.out);
  options.settings.lr = 1e30;
  CHECK_THROWS_WITH_AS(run_train(options), doctest::Contains("made the first NaN"), Error);
  CHECK(bytes_of(options.out) == good);
}

TEST_CASE("the loss that is reported begins at ln 2 of two classes, whatever the branches") {
  const TemporaryFolder folder;
  for (const EncoderKind encoder : {EncoderKind::ngram, EncoderKind::wide_deep}) {
    TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
    options.config = defaults_of(encoder);
    options.log = folder / "run.jsonl";
    run_train(options);
    std::ifstream log(options.log);
    std::string line;
    std::getline(log, line);
    CHECK(nlohmann::json::parse(line).at("loss").get<double>() ==
          doctest::Approx(std::log(2)).epsilon(0.05));
  }
}

TEST_CASE("a number of each class as JSON, in time that grows with the classes") {
  std::vector<std::string> labels;
  for (int c = 0; c < 100'000; ++c) labels.push_back(fmt::format("class {}", c));
  const std::vector<float> numbers(labels.size(), 0.5F);
  const auto begin = std::chrono::steady_clock::now();
  const nlohmann::ordered_json json = by_class(labels, numbers);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  CHECK(json.size() == labels.size());
  CHECK(json.begin().key() == "class 0");
  CHECK(json.back() == 0.5);
  CHECK(spent.count() < 2);  // looking for each label among those before it: half a minute
}

TEST_CASE("the log has an object for each step and epoch") {
  const TemporaryFolder folder;
  TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
  options.log = folder / "run.jsonl";
  run_train(options);
  std::ifstream log(options.log);
  int steps = 0;
  int epochs = 0;
  for (std::string line; std::getline(log, line);) {
    const auto object = nlohmann::json::parse(line);
    (object.contains("step") ? steps : epochs) += 1;
  }
  CHECK(epochs == 3);
  CHECK(steps >= 3 * 8);  // 240 texts of about 10 words, 256 tokens a step
}

// The loss of the first ten steps, as it was when the model was known to be right: a change in first
// values, random numbers, batches, gradients or optimizer shows here. f32 sums differ in their last
// digits between kinds of CPU, so four digits count.
TEST_CASE("training begins as it always has") {
  const TemporaryFolder folder;
  const fs::path data = write_sentences(folder);
  const std::pair<EncoderKind, double> golden[]{{EncoderKind::ngram, 6.6601},
                                                {EncoderKind::wide_deep, 6.7096},
                                                {EncoderKind::linear, 7.0168},
                                                {EncoderKind::conv, 6.9129},
                                                {EncoderKind::transformer, 6.8768}};
  for (const auto& pair : golden) {
    const EncoderKind encoder = pair.first;
    CAPTURE(std::string(name_of(encoder)));
    TrainOptions options = small(data, folder / "m.safetensors");
    options.config.encoder = encoder;
    options.log = folder / "run.jsonl";
    run_train(options);
    std::ifstream log(options.log);
    double sum = 0;
    std::string line;
    for (int step = 0; step < 10 && std::getline(log, line); ++step) {
      sum += nlohmann::json::parse(line).value("loss", 0.0);  // epochs have none
    }
    CHECK(sum == doctest::Approx(pair.second).epsilon(1e-4));
  }
}

TEST_CASE("a configuration from before there were parts and wider windows means what it meant") {
  const Config now = config_from_json(to_json([] {
    Config config = defaults_of(EncoderKind::wide_deep);
    config.vocabulary = config.ngrams = config.classes = 2;
    return config;
  }()));
  CHECK(now.parts == 16);
  CHECK(now.around == 5);
  auto json = nlohmann::json::parse(to_json(now));
  json.erase("parts");
  json.erase("around");
  const Config before = config_from_json(json.dump());
  CHECK(before.parts == 0);
  CHECK(before.around == 3);
}

TEST_CASE("a model file that does not agree with itself is refused") {
  const TemporaryFolder folder;
  const TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
  run_train(options);
  const nn::Checkpoint file = nn::load(options.out.string());
  const fs::path broken = folder / "broken.safetensors";
  // Changes `from` to `to` in one entry of the metadata.
  const auto with = [&](const std::string& key, const std::string& from, const std::string& to) {
    nn::Metadata metadata = file.metadata;
    std::string& text = metadata.at(key);
    REQUIRE(text.find(from) != std::string::npos);
    text.replace(text.find(from), from.size(), to);
    nn::save(broken.string(), file.tensors, metadata);
    return broken;
  };
  CHECK_THROWS_AS(load_model(with("format", "gradus", "other")), IoError);
  CHECK_THROWS_AS(load_model(with("config", "\"linear\"", "\"circular\"")), IoError);
  CHECK_THROWS_AS(load_model(with("config", "\"hidden_size\":32", "\"hidden_size\":1048576")),
                  IoError);
  CHECK_THROWS_AS(load_model(with("config", "\"hidden_size\":32", "\"hidden_size\":-1")), IoError);
  CHECK_THROWS_AS(load_model(with("config", "\"linear\"", "\"transformer\"")), IoError);
  CHECK_THROWS_AS(load_model(with("labels", "\"poor\"", "\"poor\",\"more\"")), IoError);
  CHECK_THROWS_AS(load_model(with("vocabulary", "\"superb\"", "\"the\"")), IoError);
  const auto refuses = [&](const fs::path& model, const std::string& reason) {
    CHECK(message_of<IoError>([&] { load_model(model); }) ==
          fmt::format("[model] {} cannot be used: {}", model.string(), reason));
  };
  refuses(with("labels", "[", "{"), "the entry labels is no list of strings");
  refuses(with("vocabulary", "\"superb\"", "7"), "the entry vocabulary is no list of strings");
  refuses(with("metrics", "log_loss", "loss"), "its metrics have no number log_loss");
  refuses(with("metrics", "{", "["), "its metrics have no number accuracy");
  nn::Metadata less = file.metadata;
  less.erase("metrics");
  nn::save(broken.string(), file.tensors, less);
  refuses(broken, "its metadata has no entry metrics");
  for (const char* temperature : {"nan", "inf", "1e999", "0", "-1", "", "1 2"}) {
    refuses(with("temperature", file.metadata.at("temperature"), temperature),
            fmt::format("the temperature '{}' is not a number above 0", temperature));
  }
  CHECK_THROWS_AS(load_model(folder / "absent.safetensors"), IoError);
  const std::string whole = bytes_of(options.out);
  for (std::size_t size : {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(broken, std::ios::binary) << whole.substr(0, size);
    CHECK_THROWS_AS(load_model(broken), IoError);
  }
}

TEST_CASE("a model whose numbers are not finite says so, not nan") {
  const TemporaryFolder folder;
  for (const EncoderKind encoder : {EncoderKind::ngram, EncoderKind::linear}) {
    TrainOptions options = small(write_sentences(folder), folder / "m.safetensors");
    options.config.encoder = encoder;
    run_train(options);
    nn::Checkpoint file = nn::load(options.out.string());
    for (auto& [name, tensor] : file.tensors) {
      if (name == "classes.weight") tensor = full(tensor.shape(), std::nan(""));
    }
    nn::save(options.out.string(), file.tensors, file.metadata);
    const std::string says =
        "[model] gives probabilities that are not finite numbers; its file is damaged, or its "
        "training went wrong (a smaller --lr usually helps)";
    REFUSES(Error, run_explain(options.out, "the film", false), says);
    REFUSES(Error, run_predict({.model = options.out, .input = options.data.string()}), says);
    options.settings.lr = 1e30;
    options.settings.epochs = 1;
    options.settings.batch_tokens = 1 << 20;  // one step: its loss is that of the first values
    REFUSES(Error, run_train(options), says);
  }
}
