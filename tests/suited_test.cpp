// What the amount of text decides: the encoder, and how often it is read.

#include "apps/classify/suited.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sstream>
#include <string>

#include "tensor/error.h"
#include "tests/program.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::classify;

TEST_CASE("the amount of text decides what the command line leaves open") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string train = "train --data films.csv --out m";
  CHECK(run_gradus(folder, train).out.find("MB of text: wide-deep encoder, ") != std::string::npos);
  CHECK(run_gradus(folder, train + " --encoder ngram --epochs 1").out.find("ngram encoder, 1 ep") !=
        std::string::npos);
}

TEST_CASE("little text is read until there were enough steps to learn from it") {
  const auto epochs = [](EncoderKind encoder, std::size_t texts, std::int64_t batch_tokens = 0,
                         double held_out = 0) {
    data::Dataset dataset;
    dataset.train.assign(texts, {std::string(45, 'x'), 0});  // 45 / 5 + 1 = 10 words, about
    TrainOptions asked;
    asked.config = defaults_of(encoder);
    asked.settings = settings_of(encoder);
    asked.settings.epochs = 0;
    asked.settings.batch_tokens = batch_tokens;
    asked.valid_fraction = held_out;
    asked.quiet = true;
    return suited(asked, dataset).settings.epochs;
  };
  for (const EncoderKind encoder : {EncoderKind::ngram, EncoderKind::linear}) {
    CHECK(epochs(encoder, 20) == 400);       // a step each
    CHECK(epochs(encoder, 640) == 40);       // 10 steps
    CHECK(epochs(encoder, 650) == 37);       // 11
    CHECK(epochs(encoder, 640, 160) == 10);  // 40
  }
  CHECK(epochs(EncoderKind::ngram, 12800, 0, 0.9) == 20);  // 20 steps, of the texts learned from
  CHECK(epochs(EncoderKind::ngram, 12800) == 4);  // 200 steps: the usual number makes more than 400
  CHECK(epochs(EncoderKind::linear, 12800) == 2);
  CHECK(epochs(EncoderKind::linear, 1280) == 20);
}

TEST_CASE("of many epochs some have a row, and the last") {
  const TemporaryFolder folder;
  write_table(folder);
  const auto rows = [&](int epochs) {
    const std::string out =
        run_gradus(folder, fmt::format("train --data films.csv --out m --encoder ngram "
                                       "--epochs {}",
                                       epochs))
            .out;
    std::string found;
    std::istringstream lines(out);
    bool table = false;
    for (std::string line; std::getline(lines, line) && !(table && line.empty());) {
      if (table) found += std::to_string(std::stoi(line)) + " ";
      table = table || line.starts_with("epoch");
    }
    return found;
  };
  CHECK(rows(3) == "1 2 3 ");
  CHECK(rows(25) == "2 4 6 8 10 12 14 16 18 20 22 24 25 ");
}

TEST_CASE("the result says of which epoch it is") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string out =
      run_gradus(folder, "train --data films.csv --out m --encoder ngram --epochs 3").out;
  const std::size_t row = out.rfind('\n', out.rfind("  best\n")) + 1;
  const int epoch = std::stoi(out.substr(row));
  CHECK(out.find(fmt::format("the best epoch, {}, logits", epoch)) != std::string::npos);
}

TEST_CASE("a few short texts suffice for every encoder") {
  const TemporaryFolder folder;
  std::string texts;
  for (int i = 0; i < 200; ++i) {
    texts += fmt::format("{}\tfilm {} was {} {}\n", i % 2 == 0 ? "good" : "poor", i % 50,
                         i % 2 == 0 ? "superb" : "awful", i % 7);
  }
  folder.write("few.tsv", texts);
  for (const std::string encoder : {"ngram", "wide-deep", "linear", "conv", "transformer"}) {
    CAPTURE(encoder);
    const Result result =
        run_gradus(folder, fmt::format("train --data few.tsv --out m --encoder {} "
                                       "--attention-size 16",
                                       encoder));
    CHECK(result.out.find("\naccuracy 100.00 %") != std::string::npos);  // chance is 50 %
  }
}

TEST_CASE("options are held against the encoder that the amount of text has chosen") {
  const TemporaryFolder folder;
  write_table(folder);
  const std::string train = "train --data films.csv --out m --epochs 1 ";
  CHECK(run_gradus(folder, train + "--without vectors").status == 0);
  CHECK(run_gradus(folder, train + "--unlabelled films.csv").status == 0);
  data::Dataset much;
  much.train.assign(110, {std::string(100'000, 'x'), 0});
  TrainOptions asked;
  asked.encoder_by_size = true;
  asked.quiet = true;
  asked.config = defaults_of(EncoderKind::ngram);
  asked.unlabelled = "more";
  CHECK(message_of<Error>([&] { suited(asked, much); }) ==
        "[train] --unlabelled: is for --encoder wide-deep or --ensemble 2 and more; the encoder "
        "chosen "
        "for 11.0 MB of text is ngram");
}

TEST_CASE("more text is read by the quicker encoder, in fewer passes") {
  data::Dataset much;
  much.train.assign(20'000, {std::string(1000, 'x'), 0});
  TrainOptions asked;
  asked.config = defaults_of(EncoderKind::ngram);
  asked.encoder_by_size = true;
  asked.settings.epochs = 0;
  asked.quiet = true;
  CHECK(suited(asked, much).config.encoder == EncoderKind::ngram);
  CHECK(suited(asked, much).settings.epochs == settings_of(EncoderKind::ngram).epochs);
  much.train.resize(10'000);
  CHECK(to_json(suited(asked, much).config) == to_json(defaults_of(EncoderKind::wide_deep)));
  CHECK(suited(asked, much).settings.epochs == 4);
}
