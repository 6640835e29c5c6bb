#include "apps/classify/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/classify/ngram_model.h"
#include "data/numbers.h"
#include "nn/init.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

using nlohmann::json;

constexpr const char* kFormat = "gradus-classifier-1";

const std::string& entry(const nn::Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) throw IoError(fmt::format("its metadata has no entry {}", key));
  return found->second;
}

std::vector<std::string> strings(const nn::Metadata& metadata, const char* key) {
  const json list = json::parse(entry(metadata, key), nullptr, false);
  if (!list.is_array() || !std::ranges::all_of(list, &json::is_string)) {
    throw IoError(fmt::format("the entry {} is no list of strings", key));
  }
  return list.get<std::vector<std::string>>();
}

// Nothing, or an object in which `gradus info` finds its numbers.
std::string metrics_in(const nn::Metadata& metadata) {
  const std::string& text = entry(metadata, "metrics");
  if (text.empty()) return text;
  const json metrics = json::parse(text, nullptr, false);
  for (const char* number : {"accuracy", "macro_f1", "log_loss", "texts"}) {
    if (!metrics.is_object() || !metrics.contains(number) || !metrics[number].is_number()) {
      throw IoError(fmt::format("its metrics have no number {}", number));
    }
  }
  return text;
}

double temperature_in(const std::string& text) {
  const std::optional<double> value = data::parsed<double>(text);
  if (!value || !(*value > 0) || !std::isfinite(*value)) {
    throw IoError(fmt::format("the temperature '{}' is not a number above 0", text));
  }
  return *value;
}

// Before a model of these sizes is built: that the file's tensors have them, so that a configuration
// that lies cannot ask for more memory than the file is long.
void check_sizes(const Config& config, const nn::NamedTensors& tensors) {
  const auto check = [&tensors](const std::string& name, const Shape& shape) {
    for (const auto& [found, tensor] : tensors) {
      if (found == name && tensor.shape() == shape) return;
    }
    throw IoError(fmt::format("the configuration asks for a tensor {} {}, which is not there", name,
                              to_string(shape)));
  };
  if (reads_ngrams(config.encoder)) {
    check("table", {config.ngrams, config.attention_size});
    if (config.parts > 0) check("pool.parts", {config.parts, config.heads});
    if (score_of(config)) {
      check("pool.queries",
            {config.heads, config.key_size > 0 ? config.key_size : config.attention_size});
    }
    return check("classes.weight", {config.classes, config.attention_size});
  }
  check("encoder.embed.weight", {config.vocabulary, config.attention_size});
  check("wide.weight", {config.hidden_size, config.attention_size});
  check("classes.weight", {config.classes, config.hidden_size});
  if (config.layers > static_cast<std::int64_t>(tensors.size())) {
    throw IoError(fmt::format("the configuration asks for {} layers in {} tensors", config.layers,
                              tensors.size()));
  }
}

}  // namespace

data::EncodedTexts encode(const SavedModel& saved, std::span<const data::Text> texts) {
  data::EncodedTexts words = data::encode(saved.vocabulary, texts);
  const bool by_ngrams = reads_ngrams(saved.model->config().encoder);
  return by_ngrams ? saved.ngrams.encode(words) : words;
}

void save_model(const std::filesystem::path& path, const SavedModel& saved,
                nn::SaveOptions options) {
  nn::save(path.string(), *saved.model,
           {{"format", kFormat},
            {"config", to_json(saved.model->config())},
            {"vocabulary", json(saved.vocabulary.words()).dump()},
            {"labels", json(saved.labels).dump()},
            {"metrics", saved.metrics},
            {"temperature", fmt::format("{}", saved.model->temperature)}},
           options);
}

SavedModel load_model(const std::filesystem::path& path) {
  const nn::Checkpoint file = nn::load(path.string());
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat) {
    throw IoError(fmt::format("[model] {} is a safetensors file, but not a model of `gradus train`",
                              path.string()));
  }
  try {
    const Config config = config_from_json(entry(file.metadata, "config"));
    SavedModel saved;
    saved.vocabulary = data::Vocabulary(strings(file.metadata, "vocabulary"));
    saved.labels = strings(file.metadata, "labels");
    saved.metrics = metrics_in(file.metadata);
    if (config.vocabulary != saved.vocabulary.size() ||
        config.classes != static_cast<std::int64_t>(saved.labels.size())) {
      throw IoError(fmt::format(
          "the configuration says {} words and {} classes, the lists have {} "
          "and {}",
          config.vocabulary, config.classes, saved.vocabulary.size(), saved.labels.size()));
    }
    check_sizes(config, file.tensors);
    const nn::init::Skip skip;
    saved.model = make_classifier(config);
    nn::take_state(*saved.model, file.tensors, path.string());
    saved.model->eval();
    if (const auto found = file.metadata.find("temperature"); found != file.metadata.end()) {
      saved.model->temperature = temperature_in(found->second);
    }
    if (const auto* model = dynamic_cast<const NgramClassifier*>(saved.model.get())) {
      saved.ngrams = model->ngrams();
    }
    return saved;
  } catch (const std::exception& error) {
    throw IoError(fmt::format("[model] {} cannot be used: {}", path.string(), error.what()));
  }
}

}  // namespace gradus::classify
