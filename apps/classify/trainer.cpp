#include "apps/classify/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/classify/interrupt.h"
#include "apps/classify/probabilities.h"
#include "apps/classify/seconds.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "data/calibration.h"
#include "data/class_ratios.h"
#include "nn/losses.h"
#include "optim/adam.h"
#include "optim/clip.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

// How the models are trained, but for what the command line says.
struct Recipe {
  double warm_up;           // of the whole training
  double table_factor;      // of the learning rate: a word is in few batches, a layer in all
  double table_beta2;       // of AdamW for the table
  double table_decay;       // weight decay of the rows that a batch touches
  double largest_gradient;  // norm that gradients are clipped to; 0: they are not
};
constexpr Recipe kWords{.warm_up = 0.05,
                        .table_factor = 10,
                        .table_beta2 = 0.999,
                        .table_decay = 0,
                        .largest_gradient = 1};
constexpr Recipe kNgrams{.warm_up = 0.03,
                         .table_factor = 2,
                         .table_beta2 = 0.99,
                         .table_decay = 0.1,
                         .largest_gradient = 0};
constexpr double kWeightDecay = 0.01;  // of the layers
constexpr std::int64_t kTextsAStep = 64;
// An n-gram learns at a rate in proportion to what it says of the class, within these bounds.
constexpr float kLeastRate = 0.05F, kMostRate = 5;

Recipe recipe_of(const Classifier& model) {
  const Config& config = model.config();
  Recipe recipe = reads_ngrams(config.encoder) ? kNgrams : kWords;
  if (config.without.contains(Piece::decay)) recipe.table_decay = 0;
  if (config.without.contains(Piece::warm_up)) recipe.warm_up = 0;
  return recipe;
}

// Rises from 0 to 1 over the warm-up, then falls to 0 at the end.
double lr_factor(double done, double warm_up) {
  return done < warm_up ? done / warm_up : (1 - done) / (1 - warm_up);
}

struct Loss {
  Tensor learned;  // the sum of the branches' own
  Tensor said;     // of the model's logits: what compares with the held-out loss
};

Loss loss_of(const Classifier& model, const data::Batch& batch, const Tensor& targets,
             const Tensor& class_weights) {
  const Output output = model(batch);
  const auto of = [&](const Tensor& logits) {
    return nn::cross_entropy(logits, targets, {.weight = class_weights});
  };
  if (output.branches.size() < 2 || model.config().without.contains(Piece::own_losses)) {
    const Tensor loss = of(output.logits);
    return {loss, loss};
  }
  Tensor sum;
  for (const Tensor& logits : output.branches) {
    const Tensor own = of(logits);
    sum = sum.defined() ? sum + own : own;
  }
  NoGrad off;
  return {sum, of(output.logits)};
}

// Labels [texts] or probabilities [texts, classes].
Tensor targets_of(const data::Batch& batch, std::span<const float> targets, std::int64_t classes) {
  const auto count = std::ssize(batch.labels);
  if (targets.empty()) return from_vector(batch.labels, {count});
  std::vector<float> rows;
  for (const std::int64_t i : batch.index) {
    const auto row = targets.begin() + i * classes;
    rows.insert(rows.end(), row, row + classes);
  }
  return from_vector(rows, {count, classes});
}

// [classes]: texts / (classes * texts of the class).
Tensor balanced_weights(const data::EncodedTexts& texts, std::int64_t classes) {
  std::vector<float> counts(static_cast<std::size_t>(classes));
  for (const std::int32_t label : texts.labels) counts[static_cast<std::size_t>(label)] += 1;
  const auto even = static_cast<float>(texts.size()) / static_cast<float>(classes);
  for (float& count : counts) count = even / std::max(count, 1.0F);
  return from_vector(counts, {classes});
}

// |r| of each n-gram over their mean (data/class_ratios.h).
Tensor rates_of(const data::EncodedTexts& texts, const Config& config) {
  std::vector<float> rates = data::class_ratios(texts, config.ngrams, config.classes);
  double sum = 0;
  for (const float rate : rates) sum += double{rate};
  if (sum == 0) return ones({config.ngrams});  // none says anything of the class
  const auto mean = static_cast<float>(sum / static_cast<double>(rates.size()));
  for (float& rate : rates) rate = std::clamp(rate / mean, kLeastRate, kMostRate);
  return from_vector(rates, {config.ngrams});
}

optim::AdamW make_optimizer(const Classifier& model, const data::EncodedTexts& texts,
                            const TrainSettings& settings) {
  const double lr = settings.lr;
  const Recipe recipe = recipe_of(model);
  const Tensor table = model.table();
  optim::Group<optim::AdamWOptions> rows{{table},
                                         {.lr = recipe.table_factor * lr,
                                          .beta2 = recipe.table_beta2,
                                          .weight_decay = recipe.table_decay}};
  if (reads_ngrams(model.config().encoder) && !model.config().without.contains(Piece::ratios)) {
    rows.row_scale = rates_of(texts, model.config());
  }
  optim::Group<optim::AdamWOptions> words{
      {}, {.lr = lr, .beta2 = recipe.table_beta2, .weight_decay = 0}};
  optim::Group<optim::AdamWOptions> layers{{}, {.lr = lr, .weight_decay = kWeightDecay}};
  for (const auto& [name, parameter] : model.named_parameters()) {
    if (parameter.node() == table.node()) continue;
    (name.ends_with(".embed.weight") ? words : layers).parameters.push_back(parameter);
  }
  return optim::AdamW({rows, words, layers});
}

// The step that gave a NaN, done again with every operation watched.
[[noreturn]] void explain_nan(const Classifier& model, const data::Batch& batch,
                              const Tensor& targets, RandomState random, std::int64_t step,
                              double loss) {
  set_random_state(random);
  std::string cause = "no single operation made it: the numbers overflowed";
  try {
    DetectAnomaly watch;
    NoGrad off;
    loss_of(model, batch, targets, {});
  } catch (const Error& error) {
    cause = error.what();
  }
  throw Error(fmt::format("[train] the loss of step {} is {}: {}. A smaller --lr usually helps",
                          step, loss, cause));
}

}  // namespace

TrainSettings settings_of(EncoderKind kind) {
  if (reads_ngrams(kind)) return {.epochs = 3, .lr = 1e-2};
  return {};
}

// A step's memory is in proportion to them.
std::int64_t most_tokens(EncoderKind kind) { return reads_ngrams(kind) ? 32768 : 8192; }

std::int64_t step_tokens(EncoderKind kind, const TrainSettings& settings, std::int64_t tokens,
                         std::int64_t texts) {
  if (settings.batch_tokens > 0) return settings.batch_tokens;
  return std::clamp<std::int64_t>(kTextsAStep * tokens / texts, 1, most_tokens(kind));
}

data::Metrics calibrate(Classifier& model, const std::vector<std::string>& labels,
                        const data::EncodedTexts& held_out) {
  const std::vector<float> scores = logits(model, held_out);
  check_finite(scores);
  model.temperature = data::fit_temperature(scores, held_out.labels, model.config().classes);
  return data::measure(probabilities(model, scores), held_out.labels, labels);
}

Outcome train(Classifier& model, const std::vector<std::string>& labels,
              const data::EncodedTexts& texts, std::span<const float> targets,
              const data::EncodedTexts& held_out, const TrainSettings& settings,
              const Listeners& listeners) {
  const std::int64_t classes = model.config().classes;
  const Tensor class_weights = settings.balance ? balanced_weights(texts, classes) : Tensor();
  const Recipe recipe = recipe_of(model);
  optim::AdamW optimizer = make_optimizer(model, texts, settings);
  const std::vector<Tensor> parameters = model.parameters();
  const std::int64_t batch_tokens =
      step_tokens(model.config().encoder, settings, texts.offsets.back(), texts.size());
  const auto begin = Clock::now();
  double least_loss = HUGE_VAL;
  std::int64_t best_epoch = 0;
  StepReport report;
  for (std::int64_t epoch = 1; epoch <= settings.epochs; ++epoch) {
    model.train();
    const auto epoch_begin = Clock::now();
    double loss_sum = 0;
    std::int64_t seen = 0;
    std::int64_t tokens = 0;
    auto batches =
        data::make_batches(texts, data::plan_batches(texts, batch_tokens, settings.seed, epoch));
    while (const auto batch = batches.next()) {
      if (interrupted()) return Outcome::interrupted;
      default_backend().reset_peak_memory();
      const RandomState random = random_state();
      report.step += 1;
      report.epoch = epoch;
      const double before = report.done;
      seen += std::ssize(batch->labels);
      report.done = (static_cast<double>(epoch - 1) +
                     static_cast<double>(seen) / static_cast<double>(texts.size())) /
                    static_cast<double>(settings.epochs);
      // That of the step's middle, so that a single step has one, too.
      const double factor = lr_factor((before + report.done) / 2, recipe.warm_up);
      report.lr = settings.lr * factor;

      const Tensor wanted = targets_of(*batch, targets, classes);
      const Loss loss = loss_of(model, *batch, wanted, class_weights);
      report.loss = loss.said.item();
      if (const double learned = loss.learned.item(); !std::isfinite(learned)) {
        explain_nan(model, *batch, wanted, random, report.step, learned);
      }
      optimizer.zero_grad();
      loss.learned.backward();
      if (recipe.largest_gradient > 0) optim::clip_grad_norm(parameters, recipe.largest_gradient);
      optimizer.set_lr_factor(factor);
      optimizer.step();

      report.tokens = batch->offsets.back();
      tokens += report.tokens;
      report.tokens_per_second = static_cast<double>(tokens) / seconds_since(epoch_begin);
      report.peak_bytes = default_backend().memory().peak;
      loss_sum += report.loss * static_cast<double>(batch->labels.size());
      if (listeners.step) listeners.step(report);
    }
    const data::Metrics metrics = calibrate(model, labels, held_out);
    EpochRow row{epoch,
                 loss_sum / static_cast<double>(texts.size()),
                 metrics.log_loss,
                 metrics.accuracy,
                 metrics.macro_f1,
                 report.tokens_per_second,
                 seconds_since(begin)};
    row.best = metrics.log_loss < least_loss;
    if (row.best) best_epoch = epoch;
    least_loss = std::min(least_loss, metrics.log_loss);
    if (listeners.epoch) listeners.epoch(row, metrics);
    if (settings.patience > 0 && epoch - best_epoch >= settings.patience) break;
  }
  return Outcome::finished;
}

}  // namespace gradus::classify
