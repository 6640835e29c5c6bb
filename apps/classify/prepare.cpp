#include "apps/classify/prepare.h"

#include <fmt/format.h>

#include <chrono>

#include "apps/classify/interrupt.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/progress_bar.h"
#include "apps/classify/word_vectors.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

constexpr std::int64_t kMostWords = 1 << 20;  // that n-grams are made of

Tensor learn_vectors(const TrainOptions& options, const data::EncodedTexts& texts,
                     std::int64_t words) {
  ProgressBar progress(1, options.quiet);
  std::int64_t tokens = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const WordVectorOptions settings{.seed = options.settings.seed};
  Tensor vectors = train_word_vectors(texts, words, settings, [&](double done, double loss) {
    tokens = static_cast<std::int64_t>(done * static_cast<double>(settings.passes) *
                                       static_cast<double>(texts.ids.size()));
    progress.step(1, done, loss, static_cast<double>(tokens) / seconds());
    return !interrupted();
  });
  if (!options.quiet) {
    fmt::print("word vectors from {} words in {:.1f} s\n", texts.ids.size(), seconds());
  }
  return vectors;
}

}  // namespace

data::Dataset read_clean(const TrainOptions& options) {
  data::Dataset dataset = data::read_dataset(options.data, options.read);
  const data::CleanCounts counts = data::clean(dataset);
  if (options.quiet) return dataset;
  fmt::print("{}: {}, {} classes\n", options.data.string(), dataset.source, dataset.labels.size());
  for (const std::string& note : dataset.notes) fmt::print("{}\n", note);
  fmt::print("{}\n", data::to_string(counts));
  std::fflush(stdout);
  return dataset;
}

Prepared prepare(const TrainOptions& options, const data::Split& split,
                 const std::vector<std::string>& labels) {
  SavedModel saved;
  saved.labels = labels;
  manual_seed(options.settings.seed);
  Config config = options.config;
  const bool by_ngrams = reads_ngrams(config.encoder);
  // A word that is there once is in no n-gram that is there twice.
  auto [vocabulary, texts] = data::learn_vocabulary(
      split.train, by_ngrams ? kMostWords : options.vocabulary_size, by_ngrams ? 2 : 1);
  saved.vocabulary = std::move(vocabulary);
  config.vocabulary = saved.vocabulary.size();
  config.classes = static_cast<std::int64_t>(saved.labels.size());
  const bool deep = config.encoder == EncoderKind::wide_deep;
  const Tensor vectors = deep ? learn_vectors(options, texts, config.vocabulary) : Tensor();
  if (by_ngrams) {
    saved.ngrams = data::Ngrams::of_texts(texts, ngram_options(config));
    if (saved.ngrams.size() == 0) {
      throw Error(
          "[train] no word comes twice in these texts, so there are no n-grams to learn; "
          "other encoders know words that come once (--encoder)");
    }
    texts = saved.ngrams.encode(texts);
    config.ngrams = saved.ngrams.size();
  }
  saved.model = make_classifier(config);
  if (by_ngrams) {
    auto& model = dynamic_cast<NgramClassifier&>(*saved.model);
    model.set_ngrams(saved.ngrams);
    if (deep) model.deep()->embed.weight.assign(vectors);
  }
  data::EncodedTexts held_out = encode(saved, split.held_out);
  return {std::move(saved), std::move(texts), std::move(held_out)};
}

}  // namespace gradus::classify
