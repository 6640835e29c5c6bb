// The model file: one safetensors file with everything that `gradus predict` needs. Weights are tensors
// under the module's names; configuration, vocabulary, labels and held-out metrics are JSON in its
// metadata, under the names of the fields here.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/classify/model.h"
#include "data/encode.h"
#include "data/ngrams.h"
#include "data/vocabulary.h"
#include "nn/safetensors.h"

namespace gradus::classify {

struct SavedModel {
  data::Vocabulary vocabulary;
  data::Ngrams ngrams;  // of the ngram encoder
  std::vector<std::string> labels;
  std::string metrics;  // JSON of the held-out metrics; may be empty
  std::unique_ptr<Classifier> model;
};

// Texts as the model reads them: word numbers, or n-grams.
data::EncodedTexts encode(const SavedModel& saved, std::span<const data::Text> texts);

// Written aside, synced and renamed: `path` holds the old file or the new one, never a part.
void save_model(const std::filesystem::path& path, const SavedModel& saved,
                nn::SaveOptions options = {});
// Throws IoError for a file that is no such model, or whose configuration, vocabulary, labels and
// tensors do not agree.
SavedModel load_model(const std::filesystem::path& path);

}  // namespace gradus::classify
