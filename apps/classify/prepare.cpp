#include "apps/classify/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "apps/classify/interrupt.h"
#include "apps/classify/ngram_model.h"
#include "apps/classify/progress_bar.h"
#include "apps/classify/seconds.h"
#include "apps/classify/word_vectors.h"
#include "data/unlabelled.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

constexpr std::int64_t kMostWords = 1 << 20;  // that n-grams are made of
// Times that an n-gram comes. With unlabelled texts many come twice that no labelled text has.
constexpr std::int64_t kLeast = 2, kLeastUnlabelled = 3;
constexpr std::int64_t kWordsSeen = 40'000'000;  // in all passes for word vectors, about
constexpr std::int64_t kMostPasses = 4, kLeastPasses = 2;

// The first `count` of texts of words.
data::EncodedTexts first(const data::EncodedTexts& texts, std::size_t count) {
  const auto words = texts.ids.begin();
  const auto ends = texts.offsets.begin() + static_cast<std::ptrdiff_t>(count);
  const auto labels = texts.labels.begin();
  return {{words, words + *ends},
          {texts.offsets.begin(), ends + 1},
          {labels, labels + static_cast<std::ptrdiff_t>(count)}};
}

// Marks, words of nothing but ASCII punctuation, become unknown words: no n-gram has them.
void forget_marks(data::Learned& learned) {
  std::vector<std::string> kept;
  std::vector<std::int32_t> number;
  for (const std::string& word : learned.vocabulary.words()) {
    const bool mark = word != data::kUnknownWord && std::ranges::all_of(word, [](unsigned char c) {
                        return std::ispunct(c) != 0;
                      });
    number.push_back(mark ? data::kUnknown : static_cast<std::int32_t>(kept.size()));
    if (!mark) kept.push_back(word);
  }
  learned.vocabulary = data::Vocabulary(kept);
  for (std::int32_t& id : learned.texts.ids) id = number[static_cast<std::size_t>(id)];
}

Tensor learn_vectors(const TrainOptions& options, const data::EncodedTexts& texts,
                     std::int64_t words) {
  ProgressBar progress(1, options.quiet, "word vectors");
  const auto begin = Clock::now();
  const WordVectorOptions settings{
      .dim = DeepBranch::kWordSize,
      .passes = std::clamp(kWordsSeen / std::max<std::int64_t>(std::ssize(texts.ids), 1),
                           kLeastPasses, kMostPasses),
      .seed = options.settings.seed};
  Tensor vectors = train_word_vectors(texts, words, settings, [&](double done, double loss) {
    const double words_read = done * static_cast<double>(settings.passes * std::ssize(texts.ids));
    progress.step(1, done, loss, words_read / seconds_since(begin));
    return !interrupted();
  });
  progress.wipe();
  if (!options.quiet) {
    fmt::print("word vectors from {} words in {:.1f} s\n", texts.ids.size(), seconds_since(begin));
  }
  return vectors;
}

}  // namespace

data::Dataset read_clean(const TrainOptions& options) {
  std::error_code ignored;  // what cannot be looked at, its reader reports
  if (!options.unlabelled.empty() && !exists(options.unlabelled, ignored) && !ignored) {
    throw IoError(fmt::format("[train] --unlabelled {}: there is no such file or folder",
                              options.unlabelled.string()));
  }
  data::Dataset dataset = data::read_dataset(options.data, options.read);
  const data::CleanCounts counts = data::clean(dataset);
  if (options.quiet) return dataset;
  fmt::print("{}: {}, {} classes\n", options.data.string(), dataset.source, dataset.labels.size());
  for (const std::string& note : dataset.notes) fmt::print("{}\n", note);
  fmt::print("{}\n", data::to_string(counts));
  std::fflush(stdout);
  return dataset;
}

std::vector<data::Text> read_more(const TrainOptions& options) {
  if (options.unlabelled.empty()) return {};
  std::vector<data::Text> texts = data::read_unlabelled(
      options.unlabelled, {.text_column = options.read.text_column, .text_column_elsewhere = true});
  if (!options.quiet) {
    fmt::print("{}: {} unlabelled texts\n", options.unlabelled.string(), texts.size());
    std::fflush(stdout);
  }
  return texts;
}

Prepared prepare(const TrainOptions& options, const data::Split& split,
                 const std::vector<data::Text>& unlabelled,
                 const std::vector<std::string>& labels) {
  SavedModel saved;
  saved.labels = labels;
  manual_seed(options.settings.seed);
  Config config = options.config;
  const bool by_ngrams = reads_ngrams(config.encoder);
  std::vector<data::Text> both;
  if (!unlabelled.empty()) {
    both = split.train;
    both.insert(both.end(), unlabelled.begin(), unlabelled.end());
  }
  const auto without = [&config](Piece piece) { return config.without.contains(piece); };
  // A word that is there once is in no n-gram that is there twice.
  const std::int64_t least = by_ngrams && !without(Piece::twice) ? kLeast : 1;
  data::Learned learned = data::learn_vocabulary(
      both.empty() ? split.train : both, by_ngrams ? kMostWords : options.vocabulary_size, least);
  both = {};
  if (without(Piece::punctuation)) forget_marks(learned);
  auto& [vocabulary, words] = learned;
  data::EncodedTexts texts = first(words, split.train.size());
  saved.vocabulary = std::move(vocabulary);
  config.vocabulary = saved.vocabulary.size();
  config.classes = static_cast<std::int64_t>(saved.labels.size());
  const bool by_vectors = config.encoder == EncoderKind::wide_deep && !without(Piece::vectors);
  const Tensor vectors = by_vectors ? learn_vectors(options, words, config.vocabulary) : Tensor();
  if (by_ngrams) {
    data::NgramOptions ngrams = ngram_options(config);
    ngrams.least = without(Piece::twice) ? 1 : unlabelled.empty() ? kLeast : kLeastUnlabelled;
    saved.ngrams = data::Ngrams::of_texts(words, ngrams);
    if (saved.ngrams.size() == 0) {
      throw Error(
          fmt::format("[train] no word comes {} in these texts, so there are no n-grams to learn; "
                      "other encoders know words that come once (--encoder)",
                      ngrams.least == kLeastUnlabelled ? "three times"
                      : ngrams.least == kLeast         ? "twice"
                                                       : "at all"));
    }
    texts = saved.ngrams.encode(texts);
    if (!unlabelled.empty()) words = saved.ngrams.encode(words);
    config.ngrams = saved.ngrams.size();
  }
  saved.model = make_classifier(config);
  if (by_ngrams) {
    auto& model = dynamic_cast<NgramClassifier&>(*saved.model);
    model.set_ngrams(saved.ngrams);
    model.set_word_vectors(vectors);
  }
  data::EncodedTexts held_out = encode(saved, split.held_out);
  if (!by_ngrams || unlabelled.empty()) words = {};
  return {std::move(saved), std::move(texts), std::move(held_out), std::move(words), vectors};
}

}  // namespace gradus::classify
