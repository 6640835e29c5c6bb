// The commands of the `gradus` program, one function each. They print what a person wants to see on
// standard output and throw Error for anything that keeps them from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "apps/classify/config.h"
#include "apps/classify/trainer.h"
#include "data/dataset.h"

namespace gradus::classify {

struct TrainOptions {
  std::filesystem::path data;
  data::ReadOptions read;
  std::filesystem::path unlabelled;  // more texts to learn words and n-grams from; empty: none
  std::filesystem::path out;
  Config config;                 // but for vocabulary and classes, which the data decides
  bool encoder_by_size = false;  // the amount of text decides on it (suited.h)
  std::int64_t vocabulary_size = 20000;
  TrainSettings settings;
  double valid_fraction = 0.2;
  int ensemble = 1;           // models trained and joined (ensemble.h)
  int folds = 0;              // for run_folds
  std::filesystem::path log;  // empty: none
  bool quiet = false;
  std::set<std::string> given = {};  // options on the command line, as "--heads"
};

// False if Ctrl-C ended it early; what was best until then, if anything was, is saved.
bool run_train(const TrainOptions& options);
// Trains `folds` models, each without a part of the texts, and measures each on that part; saves none.
// The data's own test split is left alone. False if Ctrl-C ended it early.
bool run_folds(const TrainOptions& options);

struct EvalOptions {
  std::filesystem::path model;
  std::filesystem::path data;
  data::ReadOptions read;
  std::int64_t wrong = 10;  // texts to show, the most wrong ones
  bool json = false;
};
void run_eval(const EvalOptions& options);

struct PredictOptions {
  std::filesystem::path model;
  std::string input = "-";          // a file with a text in each line; "-" is standard input
  std::filesystem::path data = {};  // if not empty, read in place of `input` (data/unlabelled.h)
  data::ReadOptions read = {};
  bool json = false;
};
void run_predict(const PredictOptions& options);

void run_explain(const std::filesystem::path& model, const std::string& text, bool json);

struct CompressOptions {
  std::filesystem::path model;
  std::filesystem::path out;
  double prune = 0;   // share of the n-grams to drop, those that matter least
  bool half = false;  // a model of 16-bit numbers keeps them anyway
};
void run_compress(const CompressOptions& options);

// Without a model: backends and machine.
void run_info(const std::filesystem::path& model);

}  // namespace gradus::classify
