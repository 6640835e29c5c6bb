#include "apps/classify/fit.h"

#include <algorithm>
#include <memory>

#include "apps/classify/ensemble.h"
#include "apps/classify/probabilities.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

// There are more texts then, and their labels say more: fewer passes do.
constexpr std::int64_t kEpochsUnlabelled = 2;

// Labelled texts as they are, others as the model sees them.
TrainingTexts taught_by(Classifier& model, const Prepared& ready) {
  TrainingTexts all{ready.all, probabilities(model, ready.all)};
  const auto classes = static_cast<std::size_t>(model.config().classes);
  const std::size_t labelled = ready.texts.labels.size();
  for (std::size_t i = 0; i < all.texts.labels.size(); ++i) {
    const auto row = all.targets.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto end = row + static_cast<std::ptrdiff_t>(classes);
    std::int32_t& label = all.texts.labels[i];
    if (i >= labelled) {
      label = static_cast<std::int32_t>(std::max_element(row, end) - row);
    } else {
      std::fill(row, end, 0.0F);
      row[label] = 1;
    }
  }
  return all;
}

Outcome fit_ensemble(const TrainOptions& options, Prepared& ready, const Listeners& listeners) {
  SavedModel& saved = ready.saved;
  Config config = saved.model->config();
  Listeners each = listeners;
  each.epoch = [&listeners](EpochRow row, const data::Metrics& metrics) {
    row.best = false;  // one model is not what is saved
    if (listeners.epoch) listeners.epoch(row, metrics);
  };
  std::vector<std::unique_ptr<NgramClassifier>> models;
  std::vector<const NgramClassifier*> trained;
  TrainingTexts taught;
  for (int k = 0; k < options.ensemble; ++k) {
    TrainSettings settings = options.settings;
    settings.seed += static_cast<std::uint64_t>(k);
    const bool by_others = !taught.texts.labels.empty();
    if (by_others) settings.epochs = std::min(settings.epochs, kEpochsUnlabelled);
    manual_seed(settings.seed);
    models.push_back(std::make_unique<NgramClassifier>(config));
    NgramClassifier& model = *models.back();
    config.encoder = EncoderKind::ngram;  // one deep branch is enough
    model.set_ngrams(saved.ngrams);
    if (model.deep() != nullptr) model.deep()->embed.weight.assign(ready.vectors);
    if (train(model, saved.labels, by_others ? taught : TrainingTexts{ready.texts}, ready.held_out,
              settings, each) != Outcome::finished) {
      return Outcome::interrupted;
    }
    trained.push_back(&model);
    saved.model = join(trained);
    if (ready.all.size() > 0 && k + 1 < options.ensemble) taught = taught_by(*saved.model, ready);
    const data::Metrics metrics = calibrate(*saved.model, saved.labels, ready.held_out);
    EpochRow together;
    together.models = k + 1;
    together.held_out_loss = metrics.log_loss;
    together.accuracy = metrics.accuracy;
    together.macro_f1 = metrics.macro_f1;
    together.best = true;
    if (listeners.epoch) listeners.epoch(together, metrics);
  }
  return Outcome::finished;
}

}  // namespace

Outcome fit(const TrainOptions& options, Prepared& ready, const Listeners& listeners) {
  if (options.ensemble > 1) return fit_ensemble(options, ready, listeners);
  return train(*ready.saved.model, ready.saved.labels, {ready.texts}, ready.held_out,
               options.settings, listeners);
}

}  // namespace gradus::classify
