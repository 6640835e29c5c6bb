#include "apps/classify/ensemble.h"

#include <cmath>
#include <functional>
#include <string>

#include "apps/classify/deep_branch.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "nn/init.h"
#include "nn/safetensors.h"
#include "tensor/error.h"

namespace gradus::classify {

namespace {

using Parts = std::vector<Tensor>;  // the same tensor of each model

Tensor mean_of(const Parts& parts) {
  Tensor sum = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) sum = sum + parts[i];
  return sum / static_cast<double>(parts.size());
}

// [.., m, n] each -> [.., models m, models n], zeros off the diagonal.
Tensor diagonal(const Parts& parts) {
  Parts rows;
  std::int64_t before = 0, after = 0;
  for (const Tensor& part : parts) after += part.size(-1);
  for (const Tensor& part : parts) {
    after -= part.size(-1);
    rows.push_back(pad(part, -1, before, after));
    before += part.size(-1);
  }
  return concat(rows, -2);
}

// The matrices of the words around, [kAround hidden, words] of each.
Tensor diagonal_around(const Parts& parts) {
  Parts split;
  for (const Tensor& part : parts) {
    split.push_back(
        reshape(part, {DeepBranch::kAround, part.size(0) / DeepBranch::kAround, part.size(1)}));
  }
  return flatten(diagonal(split), 0, 1);
}

Tensor joined(const std::string& name, const Parts& parts) {
  const auto ends_with = [&name](const char* end) { return name.ends_with(end); };
  if (ends_with("ngrams")) return parts[0];
  if (ends_with("classes.weight")) return concat(parts, 1) / static_cast<double>(parts.size());
  if (ends_with("classes.bias")) return mean_of(parts);
  if (ends_with("around.weight")) return diagonal_around(parts);
  if (ends_with("queries")) return diagonal(parts);
  if (ends_with("scale")) return ones({1});
  return concat(parts, -1);  // table, embed.weight, bias
}

}  // namespace

std::unique_ptr<NgramClassifier> join(const std::vector<const NgramClassifier*>& models) {
  NoGrad off;
  Config config = models.at(0)->config();
  for (const NgramClassifier* model : models) {
    if (to_json(model->config()) != to_json(config) || config.members != 1 ||
        config.attention != Score::dot) {
      throw Error("[join] models must be single ones of one configuration, with dot attention");
    }
  }
  const auto count = std::ssize(models);
  std::vector<nn::NamedTensors> states;
  for (const NgramClassifier* model : models) states.push_back(model->state());
  nn::NamedTensors state;
  for (std::size_t i = 0; i < states[0].size(); ++i) {
    const std::string& name = states[0][i].first;
    Parts parts;
    for (const nn::NamedTensors& each : states) {
      Tensor part = each[i].second;
      // A dot product is divided by the root of its width, which is now larger. The queries' scales,
      // which follow them, differ between the models.
      if (name.ends_with("queries")) {
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
