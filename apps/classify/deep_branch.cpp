#include "apps/classify/deep_branch.h"

#include "apps/classify/distinct.h"
#include "autograd/bags.h"
#include "autograd/ops.h"

namespace gradus::classify {

namespace {

constexpr double kMissing = 0.2;  // words of a text left out
constexpr double kDropout = 0.5;  // of what is pooled

// Of each position the rows of its words and those around it: row width * i + k is word i times the
// k-th matrix, `words` being places among the different ones. Words that are 0 in `kept` are left out.
Bags rows_around(const std::vector<std::int32_t>& words, const std::vector<float>& kept,
                 std::int32_t width, const Segments& texts, Backend& backend) {
  std::vector<std::int32_t> rows, ends{0};
  rows.reserve(static_cast<std::size_t>(width) * words.size());
  ends.reserve(words.size() + 1);
  const std::vector<std::int32_t>& offsets = texts.offsets();
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    for (std::int32_t t = offsets[i]; t < offsets[i + 1]; ++t) {
      for (std::int32_t k = 0; k < width; ++k) {
        const std::int32_t at = t + k - width / 2;
        if (at < offsets[i] || at >= offsets[i + 1]) continue;
        const auto place = static_cast<std::size_t>(at);
        if (kept[place] == 0) continue;
        rows.push_back(width * words[place] + k);
      }
      ends.push_back(static_cast<std::int32_t>(rows.size()));
    }
  }
  return {std::move(rows), std::move(ends), backend};
}

}  // namespace

DeepBranch::DeepBranch(const Config& config)
    : embed(config.vocabulary, kWordSize, {.deviation = 0.1}),
      width_(config.around),
      missing_(config.without.contains(Piece::word_dropout) ? 0 : kMissing),
      around_(kWordSize, width_ * kHidden, {.bias = false}),
      bias_(nn::parameter(zeros({kHidden}))),
      pool_(kHidden, config.heads / config.members, config),
      classes_(kHidden, config.classes) {}

Tensor DeepBranch::operator()(const std::vector<std::int32_t>& words, const Segments& texts) const {
  Backend& backend = embed.weight.backend();
  const Distinct once = distinct(words);
  const std::int64_t different = std::ssize(once.words);
  const Tensor x = embed(from_vector(once.words, {different}, &backend));
  const Tensor products =
      reshape(around_(x), {width_ * different, bias_.size(0)});  // [rows, hidden]
  const std::vector<float> kept =
      dropout(ones({std::ssize(words)}), missing_, training()).to_vector<float>();
  const Bags bags =
      rows_around(once.places, kept, static_cast<std::int32_t>(width_), texts, backend);
  Tensor d = gather_sum(products, bags);
  d = d + bias_;  // in steps: where no graph keeps them, only two of these are in memory at once
  d = relu(d);
  return classes_(dropout(pool_(d, texts).z, kDropout, training()));
}

void DeepBranch::visit(nn::Visitor& v) {
  v("embed", embed);
  v("around", around_);
  v("bias", bias_);
  v("pool", pool_);
  v("classes", classes_);
}

}  // namespace gradus::classify
