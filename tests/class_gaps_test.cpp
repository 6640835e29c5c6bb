#include "apps/classify/class_gaps.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tensor/error.h"
#include "tests/throws.h"

using namespace gradus;
using namespace gradus::classify;
using Strings = std::vector<std::string>;

namespace {
// One text of each label, in order.
std::vector<data::Text> of(const std::vector<std::int32_t>& labels) {
  std::vector<data::Text> texts;
  for (const std::int32_t label : labels) {
    texts.push_back({"text " + std::to_string(texts.size()), label});
  }
  return texts;
}
}  // namespace

TEST_CASE("classes with few texts are named; what cannot be learned is not held out") {
  const Strings labels{"a", "b", "one", "unseen", "unmeasured", "gone"};
  data::Split split{of({0, 0, 0, 1, 1, 1, 2, 4, 4}), of({0, 1, 2, 3, 3})};
  CHECK(close_gaps(split, labels) ==
        Strings{"1 class (unseen) has no text to learn from: of those held out, 2 are not used",
                "1 class (gone) has no text left to learn from",
                "1 class (one) has a single text to learn from",
                "1 class (unmeasured) has no text held out: how well it is told is not measured"});
  CHECK(split.held_out.size() == 3);
  CHECK(split.train.size() == 9);
  data::Split even{of({0, 0, 1, 1}), of({0, 1})};
  CHECK(close_gaps(even, {"a", "b"}).empty());
  data::Split strange{of({0, 0, 1, 1}), of({2})};
  REFUSES(Error, close_gaps(strange, {"a", "b", "c"}),
          "[train] no held-out text has a label of a training text");
}

TEST_CASE("of many classes a few are named, and labels that are no classes are suspected") {
  Strings labels;
  std::vector<std::int32_t> train, held_out;
  for (std::int32_t c = 0; c < 30; ++c) {
    labels.push_back("c" + std::to_string(c));
    train.push_back(c);
    if (c < 10) train.push_back(c), held_out.push_back(c);
  }
  data::Split some{of(train), of(held_out)};  // 20 of 50 texts are alone
  CHECK(close_gaps(some, labels).front() ==
        "20 classes (c10, c11, c12, c13, c14, ...) have a single text to learn from");
  for (std::int32_t c = 30; c < 200; ++c) {
    labels.push_back("c" + std::to_string(c));
    train.push_back(c);
  }
  data::Split alone{of(train), of(held_out)};  // 190 of 220
  CHECK(close_gaps(alone, labels) ==
        Strings{"190 of 220 texts have a label of their own: is that the label? (--label-column)"});
  data::Split nothing{of({0, 1, 2}), of({3})};
  REFUSES(Error, close_gaps(nothing, labels),
          "[train] 4 of 4 texts have a label of their own: is that the label? (--label-column)");
}
