#include "apps/classify/suited.h"

#include <fmt/format.h>

#include <cstdio>

namespace gradus::classify {

namespace {
constexpr std::int64_t kKeySize = 16;
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
  Config& config = options.config;
  const EncoderKind encoder = config.encoder;
  if (config.without.contains(Piece::neighbours)) config.around = 1;
  if (config.attention != Score::dot && !config.without.contains(Piece::keys))
    config.key_size = kKeySize;
  if (config.without.contains(Piece::parts) || !score_of(config)) config.parts = 0;
  if (options.settings.epochs == 0) {
    options.settings.epochs =
        little && reads_ngrams(encoder) ? kEpochsLittle : settings_of(encoder).epochs;
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
