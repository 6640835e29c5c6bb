#include "data/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tensor/error.h"

using namespace gradus::data;
using doctest::Approx;
using Names = std::vector<std::string>;

TEST_CASE("two classes, worked by hand") {
  // truth       0    0    0    1    1
  // prediction  0    0    1    1    0
  const std::vector<float> p{0.9F, 0.1F, 0.8F, 0.2F, 0.3F, 0.7F, 0.4F, 0.6F, 0.5F, 0.5F};
  const std::vector<std::int32_t> labels{0, 0, 0, 1, 1};
  const Metrics m = measure(p, labels, Names{"neg", "pos"});
  CHECK(m.texts == 5);
  CHECK(m.accuracy == Approx(3.0 / 5));
  CHECK(m.confusion == std::vector<std::int64_t>{2, 1, 1, 1});
  CHECK(m.calibration_error == Approx((.1 + .2 + .7 + .4 + .5) / 5));  // each in a bin of its own
  CHECK(m.confused(0, 1) == 1);
  CHECK(m.classes[0].precision == Approx(2.0 / 3));
  CHECK(m.classes[0].recall == Approx(2.0 / 3));
  CHECK(m.classes[0].f1 == Approx(2.0 / 3));
  CHECK(m.classes[1].precision == Approx(1.0 / 2));
  CHECK(m.classes[1].recall == Approx(1.0 / 2));
  CHECK(m.classes[1].texts == 2);
  CHECK(m.classes[1].predicted == 2);
  CHECK(m.macro_f1 == Approx((2.0 / 3 + 1.0 / 2) / 2));
  CHECK(m.log_loss ==
        Approx(-(std::log(.9) + std::log(.8) + std::log(.3) + std::log(.6) + std::log(.5)) / 5));
  // By p(pos) neg .1, neg .2, pos .5, pos .6, neg .7: above .35 four of five are right.
  CHECK(to_text(m) ==
        "accuracy 60.00 %   log loss 0.5473   calibration error 0.3800   5 texts\n"
        "\n"
        "class       precision  recall      F1    texts\n"
        "neg            0.6667  0.6667  0.6667        3\n"
        "pos            0.5000  0.5000  0.5000        2\n"
        "macro mean     0.5833  0.5833  0.5833        5\n"
        "\n"
        "pos is predicted above 0.50; on these texts 0.3500 would be best: 80.00 %\n"
        "\n"
        "confusion (rows: true, columns: predicted)\n"
        "         neg     pos\n"
        "neg        2       1\n"
        "pos        1       1\n");
}

TEST_CASE("the best threshold, worked by hand") {
  // By p(pos), with the true class:  .1 neg | .3 neg  .4 pos  .6 pos  .7 neg  .9 pos
  // Above 0.35 are pos pos neg pos: 5 of 6 are right. Above 0.5, as usual, 4 of 6.
  const std::vector<float> p{.9F, .1F, .7F, .3F, .6F, .4F, .4F, .6F, .3F, .7F, .1F, .9F};
  const std::vector<std::int32_t> labels{0, 0, 1, 1, 0, 1};
  const Threshold best = best_threshold(p, labels);
  CHECK(best.probability == Approx(0.35));
  CHECK(best.accuracy == Approx(5.0 / 6));
  CHECK(measure(p, labels, Names{"neg", "pos"}).threshold.accuracy == best.accuracy);
  // 0.5 where nothing is better, and where there is nothing.
  CHECK(best_threshold(std::vector<float>{.8F, .2F, .1F, .9F}, std::vector<std::int32_t>{0, 1})
            .probability == 0.5);
  CHECK(best_threshold({}, {}).probability == 0.5);
  // All of one class: any threshold below the least, or above the largest, probability.
  CHECK(best_threshold(std::vector<float>{.8F, .2F, .6F, .4F}, std::vector<std::int32_t>{1, 1})
            .probability == Approx(.1));
  const Threshold none =
      best_threshold(std::vector<float>{0, 1, 0, 1}, std::vector<std::int32_t>{0, 0});
  CHECK(none.probability == 1);
  CHECK(none.accuracy == 1);
  CHECK_THROWS_AS(best_threshold(p, std::vector<std::int32_t>{1}), gradus::ShapeError);
}

TEST_CASE("the most wrong texts come first, and right ones not at all") {
  const std::vector<float> p{.6F, .3F, .1F, .1F, .8F, .1F, .2F, .2F, .6F, .4F, .3F, .3F};
  const std::vector<std::int32_t> labels{2, 0, 2, 1};  // given .1, .1, .6 (right), .3
  using Texts = std::vector<std::int64_t>;
  CHECK(most_wrong(p, labels, 3, 10) == Texts{0, 1, 3});
  CHECK(most_wrong(p, labels, 3, 2) == Texts{0, 1});
  CHECK(most_wrong(p, labels, 3, 0).empty());
  CHECK_THROWS_AS(most_wrong(p, labels, 2, 1), gradus::ShapeError);
}

TEST_CASE("divisions by zero give 0") {
  // Class 1 occurs but is never predicted, class 2 is predicted but never occurs, class 3 neither.
  const std::vector<float> p{1, 0, 0, 0, 0, 0, 1, 0};
  const Metrics m = measure(p, std::vector<std::int32_t>{0, 1}, Names{"a", "b", "c", "d"});
  CHECK(m.classes[0].f1 == 1);
  for (const std::size_t c : {1, 2, 3}) {
    CHECK(m.classes[c].precision == 0);
    CHECK(m.classes[c].recall == 0);
    CHECK(m.classes[c].f1 == 0);
  }
  CHECK(m.macro_f1 == Approx(1.0 / 3));              // over a, b, c
  CHECK(m.log_loss == Approx(-std::log(1e-7) / 2));  // p(true) = 0 is taken as 1e-7
  const Metrics none = measure({}, {}, Names{"a", "b"});
  CHECK(none.accuracy == 0);
  CHECK(none.log_loss == 0);
  CHECK(none.macro_f1 == 0);
  CHECK(to_text(none).find("0 texts") != std::string::npos);
}

TEST_CASE("wrong input is refused") {
  const std::vector<float> p{0.5F, 0.5F};
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(measure(p, std::vector<std::int32_t>{0, 1}, Names{"a", "b"}), gradus::ShapeError);
  CHECK_THROWS_AS(measure({}, {}, Names{}), gradus::ShapeError);
  CHECK_THROWS_WITH_AS(measure(p, std::vector<std::int32_t>{2}, Names{"a", "b"}),
                       "[measure] text 0 has label 2 of 2 classes", gradus::IndexError);
  CHECK_THROWS_AS(measure(p, std::vector<std::int32_t>{-1}, Names{"a", "b"}), gradus::IndexError);
  CHECK_THROWS_AS(
      measure(std::vector<float>{nan, 0}, std::vector<std::int32_t>{0}, Names{"a", "b"}),
      gradus::Error);
}

TEST_CASE("many classes: the most frequent confusions") {
  // Text i of 45 * 3 has class i % 45; every third text of class c is taken for c + 1.
  Names names;
  for (int c = 0; c < 45; ++c) names.push_back("class" + std::to_string(c));
  std::vector<float> p;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 45 * 3; ++i) {
    labels.push_back(i % 45);
    const int prediction = i < 45 ? (i + 1) % 45 : i % 45;
    for (int c = 0; c < 45; ++c) p.push_back(c == prediction ? 1.0F : 0.0F);
  }
  // One confusion more frequent than the others: class 7 taken for 8 twice more.
  for (int i = 0; i < 2; ++i) {
    labels.push_back(7);
    for (int c = 0; c < 45; ++c) p.push_back(c == 8 ? 1.0F : 0.0F);
  }
  const std::string text = to_text(measure(p, labels, names));
  CHECK(text.find("confusion (rows") == std::string::npos);
  const std::size_t at = text.find("most frequent confusions\n");
  REQUIRE(at != std::string::npos);
  CHECK(text.substr(at).find("class7   class8          3  60.0 %\n") != std::string::npos);
  CHECK(std::count(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), '\n') == 2 + 15);
}

TEST_CASE("of very many classes there is no confusion matrix, and all else") {
  const std::size_t classes = kMostConfusedClasses + 1;
  Names names;
  for (std::size_t c = 0; c < classes; ++c) names.push_back("class" + std::to_string(c));
  std::vector<float> p(2 * classes);
  p[7] = p[classes + 8] = 1;
  const Metrics m = measure(p, std::vector<std::int32_t>{7, 9}, names);
  CHECK(m.confusion.empty());
  CHECK(m.accuracy == 0.5);
  CHECK(m.classes[8].predicted == 1);
  CHECK(m.classes[9].texts == 1);
  CHECK(to_text(m).find("confus") == std::string::npos);
  CHECK(to_json(m).size() < 200 * classes);
}

TEST_CASE("JSON has the same numbers, whatever the labels") {
  const std::vector<float> p{0.9F, 0.1F, 0.2F, 0.8F};
  const Metrics m = measure(p, std::vector<std::int32_t>{0, 0}, Names{"好 \"x\"", "b\xFF"});
  const auto json = nlohmann::json::parse(to_json(m));
  CHECK(json["accuracy"] == 0.5);
  CHECK(json["classes"][0]["label"] == "好 \"x\"");
  CHECK(json["classes"][0]["recall"] == 0.5);
  CHECK(json["classes"][1]["label"] == "b\uFFFD");
  CHECK(json["confusion"] == nlohmann::json::parse("[[1, 1], [0, 0]]"));
  CHECK(json["macro_f1"].get<double>() == Approx(m.macro_f1));
  const auto without = nlohmann::json::parse(to_json(m, false));
  CHECK(!without.contains("confusion"));
  CHECK(without["classes"] == json["classes"]);
}
