#include "apps/classify/explain.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/classify/by_class.h"
#include "apps/classify/commands.h"
#include "apps/classify/explain_ngrams.h"
#include "apps/classify/model_file.h"
#include "apps/classify/probabilities.h"
#include "apps/classify/terminal.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "data/clean.h"
#include "data/metrics.h"
#include "data/words.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

constexpr std::size_t kTopWords = 10;

struct Token {
  std::string word;          // as the model reads it
  data::Words::Range range;  // in the cleaned text
  double weight = 0;
  bool known = true;
};

// An element's weight is shared evenly by the tokens that it stands for.
void share_weights(const Output& output, std::vector<Token>& tokens) {
  const std::vector<double> weights = mean(output.weights, 1).to_vector<double>();  // over heads
  const auto stride = static_cast<std::size_t>(output.elements.stride);
  for (std::size_t e = 0; e < weights.size(); ++e) {
    const std::size_t begin = e * stride;
    const std::size_t end = std::min(begin + stride, tokens.size());
    for (std::size_t t = begin; t < end; ++t) {
      tokens[t].weight = weights[e] / static_cast<double>(end - begin);
    }
  }
}

struct Weighed {
  std::vector<Token> tokens;
  std::vector<float> probabilities;
};

Weighed weigh(const SavedModel& saved, const std::string& text) {
  const data::Words words = data::split_words(text);
  const std::vector<std::int32_t> ids = saved.vocabulary.encode(words);
  Weighed result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    result.tokens.push_back({std::string(words[i]), words.range(i), 0, ids[i] != data::kUnknown});
  }
  NoGrad off;
  saved.model->eval();
  const data::EncodedTexts encoded = encode(saved, std::vector<data::Text>{{text, 0}});
  const Output output = (*saved.model)(data::make_batch(encoded, std::vector<std::int64_t>{0}));
  share_weights(output, result.tokens);
  result.probabilities = softmax(output.logits / saved.model->temperature).to_vector<float>();
  check_finite(result.probabilities);
  return result;
}

// The text with the background of each word the redder the more it weighs above an even share.
std::string coloured(const std::string& text, const std::vector<Token>& tokens) {
  double most = 0, even = 0;
  for (const Token& token : tokens) {
    most = std::max(most, token.weight);
    even += token.weight / static_cast<double>(tokens.size());
  }
  std::string out;
  std::size_t at = 0;
  for (const Token& token : tokens) {
    out += text.substr(at, token.range.begin - at);
    const std::string word = text.substr(token.range.begin, token.range.end - token.range.begin);
    const double share = most > even ? (token.weight - even) / (most - even) : 0;
    const int level = static_cast<int>(std::lround(5 * std::max(0.0, share)));
    // Colours 52, 88, 124, 160, 196 of the 256-colour table are reds of rising brightness.
    out += level == 0 ? word : fmt::format("\x1b[97;48;5;{}m{}\x1b[0m", 16 + 36 * level, word);
    at = token.range.end;
  }
  return out + text.substr(at);
}

void print_json(const SavedModel& saved, const std::vector<Token>& tokens,
                const std::vector<float>& p, std::size_t best) {
  nlohmann::ordered_json json{{"label", saved.labels[best]},
                              {"probability", p[best]},
                              {"probabilities", by_class(saved.labels, p)}};
  json["tokens"] = nlohmann::ordered_json::array();
  for (const Token& token : tokens) {
    json["tokens"].push_back(
        {{"word", token.word}, {"weight", token.weight}, {"known", token.known}});
  }
  fmt::print("{}\n", json.dump());
}

// At most `most`, the heaviest first.
std::vector<Token> heaviest(std::vector<Token> tokens, std::size_t most) {
  std::ranges::stable_sort(tokens, std::greater<>(), &Token::weight);
  tokens.resize(std::min(tokens.size(), most));
  return tokens;
}

void print_table(const std::vector<Token>& tokens) {
  fmt::print("weight  word\n");
  for (const Token& token : tokens) {
    fmt::print("{:6.4f}  {}{}\n", token.weight, token.word,
               token.known ? "" : "  (not in the vocabulary)");
  }
}

}  // namespace

std::vector<Part> telling_parts(const SavedModel& saved, const std::string& text, std::size_t one,
                                std::size_t other, std::size_t most) {
  if (reads_ngrams(saved.model->config().encoder)) {
    return telling_ngrams(saved, text, one, other, most);
  }
  std::vector<Part> parts;
  for (const Token& token : heaviest(weigh(saved, text).tokens, most)) {
    parts.push_back({token.word, token.range.begin});
  }
  return parts;
}

void run_explain(const std::filesystem::path& model, const std::string& raw, bool json) {
  const SavedModel saved = load_model(model);
  const std::string text = data::clean_text(raw);
  if (reads_ngrams(saved.model->config().encoder)) return explain_ngrams(saved, text, json);
  auto [tokens, p] = weigh(saved, text);
  const std::size_t best = data::likeliest(p);
  if (json) return print_json(saved, tokens, p, best);
  fmt::print("{}  {:.4f}\n\n", saved.labels[best], p[best]);
  if (tokens.empty()) {
    fmt::print("There is no word in this text: this is what the model says of nothing.\n");
    return;
  }
  fmt::print("{}\n\n", shows_colours(STDOUT_FILENO) ? coloured(text, tokens) : text);
  print_table(heaviest(tokens, kTopWords));
}

}  // namespace gradus::classify
