#include "apps/classify/suited.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "apps/classify/deep_branch.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::classify {

namespace {
constexpr std::int64_t kKeySize = 16;
constexpr std::size_t kBytesAWord = 5;  // with the space behind it, about

// Options that act with some encoders only.
struct Acting {
  const char* option;
  std::vector<EncoderKind> encoders;
};
const std::vector<EncoderKind> kOfNgrams{EncoderKind::ngram, EncoderKind::wide_deep};
const std::vector<EncoderKind> kOfWords{EncoderKind::linear, EncoderKind::conv,
                                        EncoderKind::transformer};
const std::vector<Acting> kActing{
    {"--ngram", kOfNgrams},
    {"--skips", kOfNgrams},
    {"--vocab-size", kOfWords},
    {"--hidden-size", kOfWords},
    {"--hops", kOfWords},
    {"--layers", {EncoderKind::conv, EncoderKind::transformer}},
    {"--heads", {EncoderKind::ngram, EncoderKind::wide_deep, EncoderKind::transformer}}};

std::string listed_encoders(const std::vector<EncoderKind>& encoders) {
  std::string names;
  for (std::size_t i = 0; i < encoders.size(); ++i) {
    names += i == 0 ? "" : i + 1 < encoders.size() ? ", " : " or ";
    names += name_of(encoders[i]);
  }
  return names;
}

// Passes over texts of so many bytes that make kLeastSteps, about. Those held out make no steps.
std::int64_t enough_epochs(const TrainOptions& options, std::size_t bytes, std::size_t texts) {
  const auto words = static_cast<std::int64_t>(bytes / kBytesAWord + texts);
  const std::int64_t tokens = step_tokens(options.config.encoder, options.settings, words,
                                          static_cast<std::int64_t>(texts));
  const double held_out =
      options.folds > 0 ? 1.0 / static_cast<double>(options.folds) : options.valid_fraction;
  const auto learned = static_cast<std::int64_t>(static_cast<double>(words) * (1 - held_out));
  return ceil_div(kLeastSteps, std::max<std::int64_t>(ceil_div(learned, tokens), 1));
}
}  // namespace

std::optional<Misfit> misfit(const TrainOptions& options) {
  const Config& config = options.config;
  const bool by_ngrams = reads_ngrams(config.encoder);
  const bool deep = config.encoder == EncoderKind::wide_deep;
  if ((config.encoder == EncoderKind::transformer || by_ngrams) &&
      config.attention_size % config.heads != 0) {
    return Misfit{"--heads", fmt::format("{} heads do not divide the attention size {}",
                                         config.heads, config.attention_size)};
  }
  if (deep && DeepBranch::kHidden % config.heads != 0) {
    return Misfit{"--heads", fmt::format("{} heads do not divide the {} numbers of a word in the "
                                         "second branch of --encoder wide-deep",
                                         config.heads, DeepBranch::kHidden)};
  }
  for (const auto& [option, encoders] : kActing) {
    if (options.given.contains(option) && std::ranges::count(encoders, config.encoder) == 0) {
      return Misfit{option, "is for --encoder " + listed_encoders(encoders)};
    }
  }
  for (const Piece piece : config.without) {
    if (by_ngrams && (deep || !is_deep(piece))) continue;
    return Misfit{"--without", fmt::format("{} is a piece of --encoder {}", name_of(piece),
                                           is_deep(piece) ? "wide-deep" : "ngram or wide-deep")};
  }
  if (config.attention == Score::dot && config.without.contains(Piece::keys)) {
    return Misfit{"--without", "keys is a piece of --attention euclidean or additive"};
  }
  if (options.ensemble > 1 && !(by_ngrams && config.attention == Score::dot)) {
    return Misfit{"--ensemble",
                  "joins models of --encoder ngram or wide-deep with --attention dot"};
  }
  if (!options.unlabelled.empty() && !deep && options.ensemble == 1) {
    return Misfit{"--unlabelled", "is for --encoder wide-deep or --ensemble 2 and more"};
  }
  return std::nullopt;
}

TrainOptions suited(TrainOptions options, const data::Dataset& dataset) {
  std::size_t bytes = 0;
  for (const data::Text& text : dataset.train) bytes += text.text.size();
  const bool little = bytes <= kLittleText;
  if (options.encoder_by_size && little) {
    const Config deep = defaults_of(EncoderKind::wide_deep);
    options.config.encoder = deep.encoder;
    options.config.parts = deep.parts;  // these have no options: nothing that was asked for is lost
    options.config.around = deep.around;
  }
  if (const auto odd = options.encoder_by_size ? misfit(options) : std::nullopt) {
    throw Error(fmt::format("[train] {}: {}; the encoder chosen for {:.1f} MB of text is {}",
                            odd->option, odd->why, static_cast<double>(bytes) / 1e6,
                            name_of(options.config.encoder)));
  }
  Config& config = options.config;
  const EncoderKind encoder = config.encoder;
  if (config.without.contains(Piece::neighbours)) config.around = 1;
  if (config.attention != Score::dot && !config.without.contains(Piece::keys))
    config.key_size = kKeySize;
  if (config.without.contains(Piece::parts) || !score_of(config)) config.parts = 0;
  if (options.settings.epochs == 0) {
    const std::int64_t usual =
        little && reads_ngrams(encoder) ? kEpochsLittle : settings_of(encoder).epochs;
    options.settings.epochs = std::max(usual, enough_epochs(options, bytes, dataset.train.size()));
  }
  if (!options.quiet) {
    const std::int64_t epochs = options.settings.epochs;
    fmt::print("{:.1f} MB of text: {} encoder, {} epoch{}\n", static_cast<double>(bytes) / 1e6,
               name_of(encoder), epochs, epochs == 1 ? "" : "s");
    std::fflush(stdout);
  }
  return options;
}

}  // namespace gradus::classify
