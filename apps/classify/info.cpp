#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/classify/commands.h"
#include "apps/classify/model_file.h"
#include "tensor/backend.h"
#include "tensor/cores.h"
#include "tensor/parallel.h"

namespace gradus::classify {

namespace {

void print_machine() {
  const double quota = core_quota();
  fmt::print("threads   {}{}\n", num_threads(),
             std::isfinite(quota) ? fmt::format("  (core quota: {})", quota) : "");
  for (const std::string& name : backend_names()) {
    Backend& each = backend(name);
    fmt::print("backend   {}{}\n", each.description(),
               &each == &default_backend() ? "  (the default)" : "");
  }
}

void print_model(const std::filesystem::path& path) {
  const SavedModel saved = load_model(path);
  fmt::print("{}\n", nn::to_string(*saved.model));
  fmt::print("configuration  {}\n", to_json(saved.model->config()));
  fmt::print("vocabulary     {} words\n", saved.vocabulary.size());
  if (saved.ngrams.size() > 0) fmt::print("n-grams        {}\n", saved.ngrams.size());
  fmt::print("classes        {}\n", fmt::join(saved.labels, ", "));
  if (saved.metrics.empty()) return;
  const auto metrics = nlohmann::json::parse(saved.metrics);
  fmt::print("held out       accuracy {:.4f}, macro F1 {:.4f}, log loss {:.4f} on {} texts\n",
             metrics["accuracy"].get<double>(), metrics["macro_f1"].get<double>(),
             metrics["log_loss"].get<double>(), metrics["texts"].get<std::int64_t>());
}

}  // namespace

void run_info(const std::filesystem::path& model) {
  if (model.empty()) {
    print_machine();
  } else {
    print_model(model);
  }
}

}  // namespace gradus::classify
