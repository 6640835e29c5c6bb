#include "apps/classify/word_vectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "autograd/autograd.h"
#include "autograd/bags.h"
#include "autograd/ops.h"
#include "data/ahead.h"
#include "data/shuffle.h"
#include "nn/losses.h"
#include "optim/adam.h"
#include "tensor/philox.h"
#include "tensor/random.h"

namespace gradus::classify {

namespace {

constexpr double kDrawPower = 0.75;  // words are drawn by their frequency to this power
// Beside the streams of data/shuffle.h. Tensors count theirs from 0: they would have to draw 1.6 billion
// times to get here.
constexpr std::uint64_t kThinStream = 0x7468696E, kDrawStream = 0x64726177;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<double> counts_of(const data::EncodedTexts& texts, std::int64_t words) {
  std::vector<double> counts(at(words));
  for (const std::int32_t word : texts.ids) counts[at(word)] += 1;
  counts[data::kUnknown] = 0;
  return counts;
}

// Targets, the words around each, and the words they are compared with.
struct Step {
  std::vector<std::int32_t> targets;
  Bags around;
  Tensor sizes;  // [targets, 1]: of the bags
  std::vector<std::int32_t> drawn;
  double done = 0;
};

// Cuts the texts into steps.
class Steps {
 public:
  Steps(const data::EncodedTexts& texts, const std::vector<double>& counts,
        const WordVectorOptions& options)
      : texts_(texts), options_(options), keep_(counts.size()), order_(at(texts.size())) {
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    double sum = 0;
    for (std::size_t w = 0; w < counts.size(); ++w) {
      const double share = counts[w] / total, ratio = options.frequent / share;
      keep_[w] = counts[w] == 0 ? 0 : std::min(1.0, std::sqrt(ratio) + ratio);
      sum += std::pow(counts[w], kDrawPower);
      cumulative_.push_back(sum);
    }
    std::iota(order_.begin(), order_.end(), 0);
  }

  std::optional<Step> next() {
    std::vector<std::int32_t> targets, rows, offsets{0};
    std::vector<float> sizes;
    while (std::ssize(targets) < options_.batch) {
      if (place_ == std::ssize(kept_) && !next_text()) break;
      add_words(targets, rows, offsets, sizes);
    }
    if (targets.empty()) return std::nullopt;
    const auto count = std::ssize(targets);
    return Step{std::move(targets), Bags(std::move(rows), std::move(offsets)),
                from_vector(sizes, {count, 1}), draw(), done()};
  }

 private:
  double done() const {
    const std::int64_t left = std::ssize(kept_) - place_;  // of the text that is read
    const double part =
        left == 0 ? 0 : static_cast<double>(left) / static_cast<double>(kept_.size());
    return std::min(1.0, (static_cast<double>(pass_) + (static_cast<double>(text_) - part) /
                                                           static_cast<double>(texts_.size())) /
                             static_cast<double>(options_.passes));
  }

  double random(std::uint64_t stream, std::uint64_t i) const {
    return double{to_uniform(philox(options_.seed, stream, i / 4)[i % 4])};
  }

  // Fills kept_; false after the last pass.
  bool next_text() {
    if (text_ == texts_.size()) {
      text_ = 0;
      ++pass_;
    }
    if (pass_ == options_.passes) return false;
    if (text_ == 0) {
      data::shuffle<std::int64_t>(order_, options_.seed,
                                  data::kPassStream + static_cast<std::uint64_t>(pass_));
    }
    kept_.clear();
    for (const std::int32_t word : texts_[order_[at(text_++)]]) {
      if (random(kThinStream, thinned_++) < keep_[at(word)]) kept_.push_back(word);
    }
    if (kept_.size() == 1) kept_.clear();  // a word without company
    place_ = 0;
    return true;
  }

  // The next ones of kept_, at most a batch: a step has less than two, however long a text is.
  void add_words(std::vector<std::int32_t>& targets, std::vector<std::int32_t>& rows,
                 std::vector<std::int32_t>& offsets, std::vector<float>& sizes) {
    const std::int64_t stop = std::min(std::ssize(kept_), place_ + options_.batch);
    for (; place_ < stop; ++place_) {
      const std::int64_t begin = std::max<std::int64_t>(0, place_ - options_.window);
      const std::int64_t end = std::min(std::ssize(kept_), place_ + options_.window + 1);
      for (std::int64_t i = begin; i < end; ++i) {
        if (i != place_) rows.push_back(kept_[at(i)]);
      }
      targets.push_back(kept_[at(place_)]);
      sizes.push_back(static_cast<float>(end - begin - 1));
      offsets.push_back(static_cast<std::int32_t>(rows.size()));
    }
  }

  std::vector<std::int32_t> draw() {
    std::vector<std::int32_t> words;
    for (std::int64_t i = 0; i < options_.drawn; ++i) {
      const double u = random(kDrawStream, drawn_++) * cumulative_.back();
      const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, u);
      words.push_back(static_cast<std::int32_t>(found - cumulative_.begin()));
    }
    return words;
  }

  const data::EncodedTexts& texts_;
  WordVectorOptions options_;
  std::vector<double> keep_;        // of each word the probability that it stays
  std::vector<double> cumulative_;  // of frequency^kDrawPower
  std::vector<std::int64_t> order_;
  std::int64_t pass_ = 0, text_ = 0;  // text_: the next one of the pass
  std::vector<std::int32_t> kept_;    // words of the one that is read
  std::int64_t place_ = 0;            // in kept_
  std::uint64_t thinned_ = 0, drawn_ = 0;
};

Tensor list(const std::vector<std::int32_t>& words) {
  return from_vector(words, {std::ssize(words)});
}

}  // namespace

Tensor train_word_vectors(const data::EncodedTexts& texts, std::int64_t words,
                          const WordVectorOptions& options,
                          const std::function<bool(double, double)>& report) {
  Tensor vectors = uniform({words, options.dim}, -0.5, 0.5) / static_cast<double>(options.dim);
  Tensor outputs = zeros({words, options.dim});
  vectors.set_requires_grad();
  outputs.set_requires_grad();
  if (texts.size() == 0) return vectors.detach();
  optim::Adam adam({vectors, outputs}, {.lr = options.lr, .beta2 = 0.99});
  Steps steps(texts, counts_of(texts, words), options);
  data::Ahead<Step> ahead([&steps] { return steps.next(); });
  while (const std::optional<Step> step = ahead.next()) {
    const Tensor targets = list(step->targets), drawn = list(step->drawn);
    const Tensor around = gather_sum(vectors, step->around) / step->sizes;  // [targets, dim]
    const Tensor own = sum(around * gather(outputs, targets), 1);
    const Tensor others = matmul(around, transpose(gather(outputs, drawn)));
    const Tensor logits = concat({unsqueeze(own, 1), others}, 1);
    const Tensor loss = nn::cross_entropy(logits, zeros({targets.size(0)}, {.dtype = DType::i32}));
    adam.zero_grad();
    loss.backward();
    adam.set_lr_factor(1 - step->done);
    adam.step();
    if (report && !report(step->done, loss.item())) break;
  }
  return vectors.detach();
}

}  // namespace gradus::classify
