#include "apps/classify/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "tensor/error.h"

namespace gradus::classify {

namespace {
constexpr std::array kEncoders{"ngram", "wide-deep", "linear", "conv", "transformer"};
}

bool reads_ngrams(EncoderKind kind) {
  return kind == EncoderKind::ngram || kind == EncoderKind::wide_deep;
}

const char* name_of(EncoderKind kind) { return kEncoders[static_cast<std::size_t>(kind)]; }

EncoderKind encoder_named(const std::string& name) {
  for (std::size_t i = 0; i < kEncoders.size(); ++i) {
    if (name == kEncoders[i]) return static_cast<EncoderKind>(i);
  }
  throw Error(fmt::format("[model] there is no encoder '{}'; there are {}", name,
                          fmt::join(kEncoders, ", ")));
}

Config defaults_of(EncoderKind kind) {
  Config config{.encoder = kind};
  if (reads_ngrams(kind)) {
    config.attention_size = 64;
    config.dropout = 0.5;
  }
  if (kind == EncoderKind::wide_deep) {
    config.parts = 16;
    config.around = 5;
  }
  return config;
}

std::optional<Score> score_of(const Config& config) {
  if (config.without.contains(Piece::attention)) return std::nullopt;
  return config.attention;
}

data::NgramOptions ngram_options(const Config& config) {
  return {.longest = static_cast<int>(config.longest),
          .skips = config.skips,
          .repeats = config.without.contains(Piece::first_only)};
}

std::string to_json(const Config& c) {
  std::vector<std::string> without;
  for (const Piece piece : c.without) without.push_back(name_of(piece));
  const nlohmann::ordered_json json{{"encoder", name_of(c.encoder)},
                                    {"attention", name_of(c.attention)},
                                    {"vocabulary", c.vocabulary},
                                    {"ngrams", c.ngrams},
                                    {"longest", c.longest},
                                    {"skips", c.skips},
                                    {"classes", c.classes},
                                    {"attention_size", c.attention_size},
                                    {"hidden_size", c.hidden_size},
                                    {"layers", c.layers},
                                    {"heads", c.heads},
                                    {"hops", c.hops},
                                    {"dropout", c.dropout},
                                    {"parts", c.parts},
                                    {"key_size", c.key_size},
                                    {"around", c.around},
                                    {"members", c.members},
                                    {"without", without}};
  return json.dump();
}

Config config_from_json(const std::string& text) {
  Config c;
  try {
    const auto json = nlohmann::json::parse(text);
    c.encoder = encoder_named(json.at("encoder").get<std::string>());
    const auto score = score_named(json.at("attention").get<std::string>());
    if (!score) throw Error("[model] unknown attention");
    c.attention = *score;
    // A size beyond these is a broken file; refusing it here keeps it from asking for terabytes.
    const auto size = [&json](const char* name, std::int64_t most) {
      const auto value = json.at(name).get<std::int64_t>();
      if (value < 1 || value > most) throw Error(fmt::format("[model] {} is {}", name, value));
      return value;
    };
    c.vocabulary = size("vocabulary", 1 << 28);
    if (reads_ngrams(c.encoder)) {
      c.ngrams = size("ngrams", 1 << 28);
      c.longest = size("longest", 3);
      c.skips = json.at("skips").get<bool>();
    }
    c.classes = size("classes", 1 << 20);
    c.attention_size = size("attention_size", kMostMembers << 14);
    c.hidden_size = size("hidden_size", 1 << 20);
    c.layers = size("layers", 1 << 10);
    c.heads = size("heads", kMostMembers << 10);  // where there are none it may be any number
    c.hops = size("hops", 1 << 10);
    c.dropout = json.at("dropout").get<double>();
    // Files from before these were options do without.
    if (json.value("parts", 0) != 0) c.parts = size("parts", 1 << 16);
    if (json.value("key_size", 0) != 0) c.key_size = size("key_size", 1 << 16);
    if (json.contains("around")) c.around = size("around", 1 << 10);
    if (json.contains("members")) c.members = size("members", std::min(c.heads, kMostMembers));
    for (const auto& name : json.value("without", std::vector<std::string>{})) {
      c.without.insert(piece_named(name));
    }
  } catch (const std::exception& error) {
    throw IoError(
        fmt::format("[model] the configuration in the file cannot be used: {}", error.what()));
  }
  return c;
}

}  // namespace gradus::classify
