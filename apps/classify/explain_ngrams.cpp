#include "apps/classify/explain_ngrams.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/classify/by_class.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/probabilities.h"
#include "apps/classify/terminal.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "data/columns.h"
#include "data/metrics.h"
#include "data/words.h"

namespace gradus::classify {

namespace {

constexpr std::size_t kMostColumns = 30;  // of the name of a class
constexpr std::size_t kTopNgrams = 15;

using Numbers = std::vector<double>;

struct Entry {
  std::int32_t number = 0;   // of the n-gram
  std::size_t position = 0;  // where it begins, in words
  std::size_t words = 1;     // that it reaches over
  double weight = 0;         // of its position, the mean of the heads
  Numbers adds;              // to the logit of each class
};

struct Explanation {
  std::vector<Entry> entries;
  Numbers base, deep, logits, probabilities;  // deep: what the deep branch adds, if there is one
  std::size_t best = 0;                       // class
};

Explanation explain(const SavedModel& saved, const std::string& text) {
  NoGrad off;
  const auto& model = dynamic_cast<const NgramClassifier&>(*saved.model);
  const data::EncodedTexts encoded = encode(saved, std::vector<data::Text>{{text, 0}});
  const data::Batch batch = data::make_batch(encoded, std::vector<std::int64_t>{0});
  const Output output = model(batch);
  const auto [adds, base] = model.contributions(batch, output);
  Explanation result;
  result.base = base.to_vector<double>();
  if (output.branches.size() > 1) {
    result.deep = (output.logits - output.branches[0]).to_vector<double>();
  }
  result.logits = output.logits.to_vector<double>();
  result.probabilities = softmax(output.logits / model.temperature).to_vector<double>();
  check_finite(result.probabilities);
  result.best = data::likeliest(result.logits);
  const Numbers all = adds.to_vector<double>();
  const Numbers weights = mean(output.weights, 1).to_vector<double>();
  const auto classes = static_cast<std::ptrdiff_t>(saved.labels.size());
  for (std::size_t t = 0; t + 1 < batch.bags.size(); ++t) {
    for (auto i = batch.bags[t]; i < batch.bags[t + 1]; ++i) {
      const std::int32_t number = batch.tokens[static_cast<std::size_t>(i)];
      const data::Ngrams::Key& key = saved.ngrams.keys()[static_cast<std::size_t>(number)];
      const std::size_t reach = key.third != 0 ? 3 : key.second != 0 ? 2 : 1;
      const auto row = all.begin() + i * classes;
      result.entries.push_back({number, t, reach, weights[t], Numbers(row, row + classes)});
    }
  }
  return result;
}

// The text with each word green where it speaks for the class, red where against, the brighter the
// more; what an n-gram adds is shared by its words.
std::string coloured(const std::string& text, const Explanation& e) {
  const data::Words words = data::split_words(text);
  Numbers votes(words.size(), 0.0);
  for (const Entry& entry : e.entries) {
    for (std::size_t w = 0; w < entry.words; ++w) {
      votes[entry.position + w] += entry.adds[e.best] / static_cast<double>(entry.words);
    }
  }
  double most = 0;
  for (const double vote : votes) most = std::max(most, std::abs(vote));
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto [begin, end] = words.range(i);
    out += text.substr(at, begin - at);
    const std::string word = text.substr(begin, end - begin);
    const int level = most > 0 ? static_cast<int>(std::lround(5 * std::abs(votes[i]) / most)) : 0;
    // Colours 16 + 36 red + 6 green + blue of the 256-colour table, each 0 to 5.
    const int colour = 16 + (votes[i] > 0 ? 6 : 36) * level;
    out += level == 0 ? word : fmt::format("\x1b[97;48;5;{}m{}\x1b[0m", colour, word);
    at = end;
  }
  return out + text.substr(at);
}

void print_json(const SavedModel& saved, const Explanation& e) {
  using nlohmann::ordered_json;
  const auto each = [&](const Numbers& numbers) { return by_class(saved.labels, numbers); };
  ordered_json json{{"label", saved.labels[e.best]},
                    {"probability", e.probabilities[e.best]},
                    {"probabilities", each(e.probabilities)},
                    {"temperature", saved.model->temperature},
                    {"logits", each(e.logits)},
                    {"base", each(e.base)}};
  if (!e.deep.empty()) json["deep"] = each(e.deep);
  json["ngrams"] = ordered_json::array();
  for (const Entry& entry : e.entries) {
    json["ngrams"].push_back({{"ngram", saved.ngrams.text(entry.number, saved.vocabulary)},
                              {"position", entry.position},
                              {"weight", entry.weight},
                              {"adds", each(entry.adds)}});
  }
  fmt::print("{}\n", json.dump());
}

// The likeliest class and the next one.
std::vector<std::size_t> shown_classes(const Explanation& e) {
  std::vector<std::size_t> order(e.logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(), [&](std::size_t c) { return e.logits[c]; });
  order.resize(std::min<std::size_t>(order.size(), 2));
  return order;
}

void print_table(const SavedModel& saved, Explanation e) {
  const std::vector<std::size_t> classes = shown_classes(e);
  std::ranges::stable_sort(e.entries, std::greater<>(),
                           [&](const Entry& entry) { return std::abs(entry.adds[e.best]); });
  std::size_t width = 10;
  for (const std::size_t c : classes) {
    width = std::clamp(data::columns(saved.labels[c]), width, kMostColumns);
  }
  const auto line = [&](const std::string& weight, const auto& number, const std::string& text) {
    fmt::print("{:>6}", weight);
    for (const std::size_t c : classes) fmt::print("  {}", data::padded_left(number(c), width));
    fmt::print("  {}\n", text);
  };
  const auto numbers = [](const Numbers& of) {
    return [&of](std::size_t c) { return fmt::format("{:+.3f}", of[c]); };
  };
  line(
      "weight",
      [&](std::size_t c) { return std::string(data::first_columns(saved.labels[c], width)); }, "");
  const std::size_t top = std::min(e.entries.size(), kTopNgrams);
  for (std::size_t i = 0; i < top; ++i) {
    const Entry& entry = e.entries[i];
    line(fmt::format("{:.4f}", entry.weight), numbers(entry.adds),
         saved.ngrams.text(entry.number, saved.vocabulary));
  }
  if (top < e.entries.size()) {
    Numbers rest(e.logits.size(), 0.0);
    for (std::size_t i = top; i < e.entries.size(); ++i) {
      for (std::size_t c = 0; c < rest.size(); ++c) rest[c] += e.entries[i].adds[c];
    }
    line("", numbers(rest), fmt::format("({} other n-grams)", e.entries.size() - top));
  }
  line("", numbers(e.base), "(what every text has)");
  if (!e.deep.empty()) line("", numbers(e.deep), "(the words in their order)");
  line("", numbers(e.logits),
       fmt::format("= the logits; probabilities are their softmax, divided by {:.2f}",
                   saved.model->temperature));
}

}  // namespace

void explain_ngrams(const SavedModel& saved, const std::string& text, bool json) {
  const Explanation e = explain(saved, text);
  if (json) return print_json(saved, e);
  fmt::print("{}  {:.4f}\n\n", saved.labels[e.best], e.probabilities[e.best]);
  if (!text.empty()) fmt::print("{}\n\n", shows_colours(STDOUT_FILENO) ? coloured(text, e) : text);
  if (e.entries.empty()) fmt::print("There is no n-gram in this text that the model knows.\n");
  print_table(saved, e);
}

std::vector<Part> telling_ngrams(const SavedModel& saved, const std::string& text, std::size_t one,
                                 std::size_t other, std::size_t most) {
  std::vector<Entry> entries = explain(saved, text).entries;
  const auto says = [&](const Entry& entry) { return entry.adds[one] - entry.adds[other]; };
  std::erase_if(entries, [&](const Entry& entry) { return says(entry) <= 0; });
  std::ranges::stable_sort(entries, std::greater<>(), says);
  entries.resize(std::min(entries.size(), most));
  const data::Words words = data::split_words(text);
  std::vector<Part> parts;
  for (const Entry& entry : entries) {
    parts.push_back(
        {saved.ngrams.text(entry.number, saved.vocabulary), words.range(entry.position).begin});
  }
  return parts;
}

}  // namespace gradus::classify
