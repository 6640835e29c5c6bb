#include "apps/classify/fit.h"

#include <algorithm>
#include <memory>
#include <span>

#include "apps/classify/ensemble.h"
#include "apps/classify/probabilities.h"
#include "nn/module.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

constexpr std::int64_t kLeastEpochsTaught = 2;

// There are more texts then, and their labels say more: as many steps do, in fewer passes, unless a number
// was asked for.
std::int64_t epochs_taught(std::int64_t epochs, const Prepared& ready) {
  const std::int64_t as_many = ceil_div(epochs * ready.texts.size(), ready.all.size());
  return std::min(epochs, std::max(as_many, kLeastEpochsTaught));
}

// What is to be learned of ready.all: of labelled texts their labels, of the others what the model says,
// whose likeliest class becomes their label.
std::vector<float> taught_by(Classifier& model, Prepared& ready) {
  std::vector<float> targets = probabilities(model, ready.all);
  const auto classes = static_cast<std::ptrdiff_t>(model.config().classes);
  auto row = targets.begin();
  for (std::size_t i = 0; i < ready.all.labels.size(); ++i, row += classes) {
    std::int32_t& label = ready.all.labels[i];
    if (i < ready.texts.labels.size()) {
      std::fill(row, row + classes, 0.0F);
      row[label] = 1;
    } else {
      label = static_cast<std::int32_t>(data::likeliest(std::span(row, row + classes)));
    }
  }
  return targets;
}

Outcome fit_ensemble(const TrainOptions& options, Prepared& ready, const Listeners& listeners) {
  SavedModel& saved = ready.saved;
  const Config config = saved.model->config();
  saved.model.reset();  // each is made anew, with a seed of its own
  std::vector<std::unique_ptr<NgramClassifier>> models;
  std::vector<const NgramClassifier*> trained;
  std::vector<float> targets;  // of ready.all, once a model can tell
  for (int k = 0; k < options.ensemble; ++k) {
    TrainSettings settings = options.settings;
    settings.seed += static_cast<std::uint64_t>(k);
    const bool taught = !targets.empty();
    if (taught && !options.given.contains("--epochs")) {
      settings.epochs = epochs_taught(settings.epochs, ready);
    }
    manual_seed(settings.seed);
    NgramClassifier model(config);
    model.set_ngrams(saved.ngrams);
    model.set_word_vectors(ready.vectors);
    std::unique_ptr<NgramClassifier> best;
    Listeners each = listeners;
    each.epoch = [&](EpochRow row, const data::Metrics& metrics) {
      if (row.best) best = std::make_unique<NgramClassifier>(nn::clone(model));
      row.best = false;  // one model is not what is saved
      if (listeners.epoch) listeners.epoch(row, metrics);
    };
    const Outcome outcome = train(model, saved.labels, taught ? ready.all : ready.texts, targets,
                                  ready.held_out, settings, each);
    // A first model that was stopped is more than nothing; a later one has had less than the others.
    if (outcome != Outcome::finished && (k > 0 || !best)) return outcome;
    models.push_back(std::move(best));
    trained.push_back(models.back().get());
    saved.model = join(trained);
    const bool teaches = ready.all.size() > 0 && k + 1 < options.ensemble;
    if (teaches && outcome == Outcome::finished) targets = taught_by(*saved.model, ready);
    const data::Metrics metrics = calibrate(*saved.model, saved.labels, ready.held_out);
    EpochRow together;
    together.models = k + 1;
    together.held_out_loss = metrics.log_loss;
    together.accuracy = metrics.accuracy;
    together.macro_f1 = metrics.macro_f1;
    together.best = true;
    if (listeners.epoch) listeners.epoch(together, metrics);
    if (outcome != Outcome::finished) return outcome;
  }
  return Outcome::finished;
}

}  // namespace

Outcome fit(const TrainOptions& options, Prepared& ready, const Listeners& listeners) {
  if (options.ensemble > 1) return fit_ensemble(options, ready, listeners);
  return train(*ready.saved.model, ready.saved.labels, ready.texts, {}, ready.held_out,
               options.settings, listeners);
}

}  // namespace gradus::classify
