#include "apps/classify/ngram_model.h"

#include "autograd/bags.h"
#include "autograd/ops.h"
#include "nn/init.h"

namespace gradus::classify {

namespace {
constexpr double kDeviation = 0.01;  // of the table's first values
constexpr double kDeepShare = 0.5;   // of the deep branch's logits: it is right less often
}  // namespace

NgramClassifier::NgramClassifier(const Config& config)
    : Classifier(config),
      pool_(config.attention_size, config.heads, config),
      classes_(config.attention_size, config.classes) {
  table_ = nn::init::normal_parameter({config.ngrams, config.attention_size}, 0, kDeviation);
  keys_ = zeros({config.ngrams, 3}, {.dtype = DType::i32});
  bias_ = nn::parameter(zeros({config.attention_size}));
  if (config.encoder != EncoderKind::wide_deep) return;
  for (std::int64_t i = 0; i < config.members; ++i) deep_.emplace_back(config);
}

Output NgramClassifier::operator()(const data::Batch& batch) const {
  const Segments texts(batch.offsets);
  const Bags bags(batch.tokens, batch.bags, table_.backend());
  Tensor h = gather_sum(table_, bags);
  h = h + bias_;
  if (config().without.contains(Piece::linearity)) h = relu(h);
  h = dropout(h, config().dropout, training());
  const auto [z, weights] = pool_(h, texts);
  const Tensor logits = classes_(dropout(z, config().dropout, training()));
  Output output{logits, {logits}, weights, {h, texts, 1}};
  for (const DeepBranch& deep : deep_) {
    output.branches.push_back(deep(batch.words, texts));
    const double share = kDeepShare / static_cast<double>(deep_.size());
    output.logits = output.logits + share * output.branches.back();
  }
  return output;
}

// logits = b + W z and z = sum_t w_t (bias + the sum of t's rows), where the weights w of a text add up to
// 1: so base = b + W bias, and entry i at position t adds W (w_t row_i), each head its own features. Where
// there is a ReLU it lets some numbers of a position through and others not: of row_i and the bias those
// count that it lets through.
NgramClassifier::Contributions NgramClassifier::contributions(const data::Batch& batch,
                                                              const Output& output) const {
  const std::int64_t heads = config().heads, size = config().attention_size / heads;
  const Tensor& h = output.elements.values;
  // What of a position's h goes into z: w_t, the same for all features of a head.
  Tensor share = flatten(expand(unsqueeze(output.weights, 2), {h.size(0), heads, size}), 1);
  if (config().without.contains(Piece::linearity)) share = where(h > 0, share, 0);
  const Tensor rows =
      gather(table_, from_vector(batch.tokens, {std::ssize(batch.tokens)}, &table_.backend()));
  const Tensor places = Segments(batch.bags).ids_on(table_.backend());
  const Tensor biases = segment_sum(share * bias_, output.elements.segments);  // [texts, size]
  return {linear(rows * gather(share, places), classes_.weight),
          linear(biases, classes_.weight, classes_.bias)};
}

void NgramClassifier::set_ngrams(const data::Ngrams& ngrams) {
  std::vector<std::int32_t> words;
  words.reserve(3 * ngrams.keys().size());
  for (const data::Ngrams::Key& key : ngrams.keys()) {
    words.insert(words.end(), {key.first, key.second, key.third});
  }
  keys_.assign(from_vector(words, keys_.shape(), &keys_.backend()));
}

data::Ngrams NgramClassifier::ngrams() const {
  const std::vector<std::int32_t> words = keys_.to_vector<std::int32_t>();
  std::vector<data::Ngrams::Key> keys;
  keys.reserve(words.size() / 3);
  for (std::size_t i = 0; i < words.size(); i += 3) {
    keys.push_back({words[i], words[i + 1], words[i + 2]});
  }
  return {std::move(keys), config().vocabulary, ngram_options(config())};
}

void NgramClassifier::set_word_vectors(const Tensor& vectors) {
  if (!vectors.defined()) return;
  for (DeepBranch& deep : deep_) deep.embed.weight.assign(vectors);
}

void NgramClassifier::visit(nn::Visitor& v) {
  v("table", table_);
  v.buffer("ngrams", keys_);
  v("bias", bias_);
  v("pool", pool_);
  v("classes", classes_);
  if (!deep_.empty()) v("deep", deep_);
}

}  // namespace gradus::classify
