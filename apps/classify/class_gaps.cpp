#include "apps/classify/class_gaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tensor/error.h"

namespace gradus::classify {

namespace {

using Counts = std::vector<std::int64_t>;

constexpr std::size_t kNamed = 5;  // classes in a sentence, at most

Counts counts_of(const std::vector<data::Text>& texts, std::size_t classes) {
  Counts counts(classes);
  for (const data::Text& text : texts) ++counts[static_cast<std::size_t>(text.label)];
  return counts;
}

// "3 classes (a, b, c) have " + what.
template <class Has>
void note(std::vector<std::string>& notes, const std::vector<std::string>& labels, Has has,
          const std::string& what) {
  std::vector<std::string> names;
  std::size_t count = 0;
  for (std::size_t c = 0; c < labels.size(); ++c) {
    if (has(c) && count++ < kNamed) names.push_back(labels[c]);
  }
  if (count == 0) return;
  notes.push_back(fmt::format(
      "{} ({}{}) {} {}", count == 1 ? "1 class" : fmt::format("{} classes", count),
      fmt::join(names, ", "), count > kNamed ? ", ..." : "", count == 1 ? "has" : "have", what));
}

}  // namespace

std::vector<std::string> close_gaps(data::Split& split, const std::vector<std::string>& labels) {
  const Counts train = counts_of(split.train, labels.size());
  const Counts held_out = counts_of(split.held_out, labels.size());
  const auto lost = std::erase_if(split.held_out, [&train](const data::Text& text) {
    return train[static_cast<std::size_t>(text.label)] == 0;
  });
  std::size_t alone = 0;  // texts of whose class there is no other
  for (std::size_t c = 0; c < labels.size(); ++c) alone += train[c] + held_out[c] == 1 ? 1 : 0;
  const std::size_t texts = split.train.size() + split.held_out.size() + lost;
  std::string suspicion;
  if (alone * 5 > texts * 4) {
    suspicion =
        fmt::format("{} of {} texts have a label of their own: is that the label? (--label-column)",
                    alone, texts);
  }
  if (split.held_out.empty()) {
    throw Error(suspicion.empty() ? "[train] no held-out text has a label of a training text"
                                  : "[train] " + suspicion);
  }
  if (!suspicion.empty()) return {suspicion};
  std::vector<std::string> notes;
  note(
      notes, labels, [&](std::size_t c) { return train[c] == 0 && held_out[c] > 0; },
      fmt::format("no text to learn from: of those held out, {} are not used", lost));
  note(
      notes, labels, [&](std::size_t c) { return train[c] == 0 && held_out[c] == 0; },
      "no text left to learn from");
  note(
      notes, labels, [&](std::size_t c) { return train[c] == 1; }, "a single text to learn from");
  note(
      notes, labels, [&](std::size_t c) { return train[c] > 0 && held_out[c] == 0; },
      "no text held out: how well it is told is not measured");
  return notes;
}

}  // namespace gradus::classify
