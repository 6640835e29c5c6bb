#include "apps/classify/compress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "apps/classify/commands.h"
#include "apps/classify/ngram_model.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "nn/init.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

Tensor& named(nn::NamedTensors& tensors, const std::string& name) {
  return std::ranges::find(tensors, name, &nn::NamedTensors::value_type::first)->second;
}

// The rows of the `count` most important n-grams, ascending: the most frequent stay first.
Tensor most_important(const Tensor& table, const Tensor& weight, std::int64_t count) {
  const Tensor adds = linear(table, weight);  // [n-grams, classes]
  const Tensor sizes = sum(square(adds - mean(adds, 1, true)), 1);
  const Tensor rank = arange(table.size(0)) + 1;
  return sort(topk(sizes / rank, count).indices).values;
}

// Numbers of 16 bits take fewer bytes in the file, behind its header, than they do in memory.
bool is_half(const std::filesystem::path& path, const SavedModel& saved) {
  std::uintmax_t bytes = 0;
  for (const auto& [name, tensor] : saved.model->state()) {
    bytes += static_cast<std::uintmax_t>(tensor.numel()) * size_of(tensor.dtype());
  }
  std::uint64_t header = 0;  // its length is the file's first number
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(&header), sizeof header);
  return std::filesystem::file_size(path) - sizeof header - header < bytes;
}

}  // namespace

void prune(SavedModel& saved, std::int64_t count) {
  Config config = saved.model->config();
  if (!reads_ngrams(config.encoder)) {
    throw Error(
        fmt::format("[compress] --prune drops n-grams, and the {} encoder has none; --half "
                    "makes any model smaller",
                    name_of(config.encoder)));
  }
  NoGrad off;
  nn::NamedTensors state = saved.model->state();
  Tensor &table = named(state, "table"), &keys = named(state, "ngrams");
  const Tensor kept = most_important(table, named(state, "classes.weight"), count);
  table = gather(table, kept);
  keys = gather(keys, kept);
  config.ngrams = count;
  const double temperature = saved.model->temperature;
  {
    const nn::init::Skip skip;
    saved.model = make_classifier(config);
  }
  nn::take_state(*saved.model, state, "the pruned model");
  saved.model->temperature = temperature;
  saved.ngrams = dynamic_cast<const NgramClassifier&>(*saved.model).ngrams();
  saved.metrics.clear();
}

void run_compress(const CompressOptions& options) {
  const auto megabytes = [](const std::filesystem::path& path) {
    return static_cast<double>(std::filesystem::file_size(path)) / 1e6;
  };
  SavedModel saved = load_model(options.model);
  const double before = megabytes(options.model);  // --out may be the same file
  const bool half = options.half || is_half(options.model, saved);
  const std::int64_t all = saved.ngrams.size();
  if (options.prune > 0) {
    const double left = std::round(static_cast<double>(all) * (1 - options.prune));
    prune(saved, std::max<std::int64_t>(static_cast<std::int64_t>(left), 1));
  }
  save_model(options.out, saved, {.half = half});
  if (all > 0) fmt::print("{} of {} n-grams kept\n", saved.ngrams.size(), all);
  fmt::print("{:.1f} MB before, {:.1f} MB after\nsaved {}\n", before, megabytes(options.out),
             options.out.string());
}

}  // namespace gradus::classify
