// `gradus eval` finds the text whose label is wrong.
#include "apps/classify/wrong_texts.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/columns.h"
#include "tests/program.h"

using namespace gradus;

TEST_CASE("the text with a wrong label is shown first, with the words that tell") {
  for (const std::string encoder : {"ngram", "wide-deep", "linear", "conv", "transformer"}) {
    CAPTURE(encoder);
    const TemporaryFolder folder;
    write_table(folder);
    const Result trained = train(folder, fmt::format("--encoder {}", encoder));
    REQUIRE_MESSAGE(trained.status == 0, trained.error);
    // "A fine film" is pos, whatever this file says.
    folder.write("noisy.csv", "text,label\nsuch a dull film,neg\na fine film too,pos\n" +
                                  std::string(300, 'x') + " what a fine film,neg\n");
    const Result plain = run_gradus(folder, "eval --model m.safetensors --data noisy.csv");
    CHECK(plain.out.find("labelled neg, predicted pos with ") != std::string::npos);
    std::istringstream lines(plain.out);
    for (std::string line; std::getline(lines, line);) CHECK(data::columns(line) <= 100);

    const Result result = run_gradus(folder, "eval --model m.safetensors --data noisy.csv --json");
    const auto wrong = nlohmann::json::parse(result.out).at("wrong");
    REQUIRE(wrong.size() == 1);
    CHECK(wrong[0].at("label") == "neg");
    CHECK(wrong[0].at("predicted") == "pos");
    CHECK(wrong[0].at("text").get<std::string>().ends_with("what a fine film"));
    CHECK(wrong[0].at("loss").get<double>() > std::log(2.0));  // p(neg) is below a half
    CHECK(wrong[0].at("telling").dump().find("fine") != std::string::npos);

    const Result none = run_gradus(folder, "eval --model m.safetensors --data noisy.csv --wrong 0");
    CHECK(none.status == 0);
    CHECK(none.out.find("labelled") == std::string::npos);
  }
}

TEST_CASE("a long text is shown around the words that tell, within 100 columns") {
  const std::vector<std::string> labels{"poor", std::string(200, 'L')};
  const std::string text = std::string(150, 'a') + " awful " + std::string(150, 'b');
  const classify::WrongText wrong{text, 1, 0, 0.75, 1.5, {{"awful", 151}, {"no", 0}}};
  const std::string shown = classify::to_text({wrong}, labels);
  CHECK(shown.find("\n    ...awful...\n") != std::string::npos);
  CHECK(shown.find("[awful | no]") != std::string::npos);
  CHECK(shown.find("predicted poor with 0.7500, loss 1.50") != std::string::npos);
  std::istringstream lines(shown);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
  CHECK(classify::to_text({}, labels).empty());
}

TEST_CASE("a loss beyond what the log loss counts is told as it is") {
  const TemporaryFolder folder;
  write_table(folder);
  REQUIRE(train(folder).status == 0);
  const classify::SavedModel saved = classify::load_model(folder / "m.safetensors");
  const std::vector<data::Text> texts{{"a fine film", 0}, {"a fine film", 0}};
  const auto wrong = classify::wrong_texts(saved, texts, std::vector<float>{1e-20F, 1, 0, 1}, 10);
  REQUIRE(wrong.size() == 2);
  CHECK(wrong[0].loss == doctest::Approx(126 * std::log(2.0)));  // of the least normal f32, 2^-126
  CHECK(wrong[1].loss == doctest::Approx(20 * std::log(10.0)));
}
