// What a classifier is made of: everything that must be known to build it again before its weights are
// loaded. Written into the model file as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "apps/classify/pieces.h"
#include "autograd/attention.h"
#include "data/ngrams.h"

namespace gradus::classify {

// wide_deep is ngram and a second branch that reads the words in their order.
enum class EncoderKind { ngram, wide_deep, linear, conv, transformer };
bool reads_ngrams(EncoderKind kind);
const char* name_of(EncoderKind kind);
// Throws Error for another name, listing the known ones.
EncoderKind encoder_named(const std::string& name);

// Models in one (ensemble.h). Reading allows that many times what the command line takes for one.
inline constexpr std::int64_t kMostMembers = 64;

struct Config {
  EncoderKind encoder = EncoderKind::linear;
  Score attention = Score::dot;  // of the attention layer that pools a text
  std::int64_t vocabulary = 0;   // words, <unk> included
  std::int64_t ngrams = 0;       // of the ngram encoder: rows of its table
  std::int64_t longest = 3;      // words in an n-gram, at most
  bool skips = false;            // pairs with a word left out between them, too
  std::int64_t classes = 0;
  std::int64_t attention_size = 128;  // of a word's vector and of all that attention compares
  std::int64_t hidden_size = 2048;    // of the wide layers between
  std::int64_t layers = 1;            // stacked convolutions or transformer layers
  std::int64_t heads = 4;
  std::int64_t hops = 1;
  double dropout = 0.3;
  std::int64_t parts = 0;     // of a text that attention tells apart (pooling.h), for n-grams
  std::int64_t key_size = 0;  // numbers of a position that scores compare (pooling.h); 0: all
  std::int64_t around = 3;    // words that a position of the deep branch sees (deep_branch.h)
  std::int64_t members = 1;   // models joined into one (ensemble.h), which the sizes above take in
  Pieces without = {};        // that this model was trained without
};

// What --encoder stands for where nothing else is said.
Config defaults_of(EncoderKind kind);
// How attention compares positions; nothing where the model does without attention.
std::optional<Score> score_of(const Config& config);
data::NgramOptions ngram_options(const Config& config);

std::string to_json(const Config& config);
// Throws IoError for text that is no such object, or sizes that no model can have.
Config config_from_json(const std::string& json);

}  // namespace gradus::classify
