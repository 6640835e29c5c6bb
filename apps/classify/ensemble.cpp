#include "apps/classify/ensemble.h"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "nn/init.h"
#include "nn/safetensors.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

constexpr std::string_view kDeep = "deep.0.";  // the one deep branch of a single model

using Parts = std::vector<Tensor>;  // the same tensor of each model

Tensor sum_of(const Parts& parts) {
  Tensor sum = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) sum = sum + parts[i];
  return sum;
}

// [m, n] each -> [models m, models n], zeros off the diagonal.
Tensor diagonal(const Parts& parts) {
  Parts rows;
  std::int64_t before = 0, after = 0;
  for (const Tensor& part : parts) after += part.size(1);
  for (const Tensor& part : parts) {
    after -= part.size(1);
    rows.push_back(pad(part, 1, before, after));
    before += part.size(1);
  }
  return concat(rows, 0);
}

Tensor joined(const std::string& name, const Parts& parts) {
  if (name == "ngrams") return parts[0];
  if (name == "table" || name == "pool.parts") return concat(parts, 1);
  if (name == "bias") return concat(parts, 0);
  if (name == "pool.queries") return diagonal(parts);
  if (name == "pool.scale") return ones({1});
  const Tensor mean = name == "classes.weight" ? concat(parts, 1) : sum_of(parts);
  return mean / static_cast<double>(parts.size());
}

// Those of models that may stand beside one another.
Config common_config(const std::vector<const NgramClassifier*>& models) {
  const Config first = models.at(0)->config();
  for (const NgramClassifier* model : models) {
    if (to_json(model->config()) != to_json(first) || first.members != 1 ||
        first.attention != Score::dot) {
      throw Error(
          "[join] models must be single ones with the same configuration and dot attention");
    }
  }
  return first;
}

}  // namespace

std::unique_ptr<NgramClassifier> join(const std::vector<const NgramClassifier*>& models) {
  NoGrad off;
  Config config = common_config(models);
  const auto count = std::ssize(models);
  std::vector<nn::NamedTensors> states;
  for (const NgramClassifier* model : models) states.push_back(model->state());
  nn::NamedTensors state;
  for (std::size_t i = 0; i < states[0].size(); ++i) {
    const std::string& name = states[0][i].first;
    if (name.starts_with(kDeep)) {
      for (std::size_t k = 0; k < states.size(); ++k) {
        state.emplace_back(fmt::format("deep.{}.{}", k, name.substr(kDeep.size())),
                           states[k][i].second);
      }
      continue;
    }
    Parts parts;
    for (const nn::NamedTensors& each : states) {
      Tensor part = each[i].second;
      // A dot product is divided by the root of its width, which is now larger. The queries' scales,
      // which follow them, differ between the models.
      if (name == "pool.queries") {
        part = part * each[i + 1].second * std::sqrt(static_cast<double>(count));
      }
      parts.push_back(part);
    }
    state.emplace_back(name, joined(name, parts));
  }
  config.members = count;
  config.attention_size *= count;
  config.heads *= count;
  std::unique_ptr<NgramClassifier> result;
  {
    const nn::init::Skip skip;
    result = std::make_unique<NgramClassifier>(config);
  }
  nn::take_state(*result, state, "the joined model");
  result->eval();
  return result;
}

}  // namespace gradus::classify
