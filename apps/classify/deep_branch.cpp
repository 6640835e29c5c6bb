#include "apps/classify/deep_branch.h"

#include <algorithm>

#include "autograd/bags.h"
#include "autograd/ops.h"

namespace gradus::classify {

namespace {

constexpr std::int64_t kHidden = 256;
constexpr double kWordDropout = 0.3, kDropout = 0.5;

std::vector<std::int32_t> distinct_words(std::vector<std::int32_t> words) {
  std::ranges::sort(words);
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

// Of each position the rows of its words and those around it: row kAround * i + k is word i times the
// k-th matrix.
Bags rows_around(const std::vector<std::int32_t>& words, const std::vector<std::int32_t>& distinct,
                 const Segments& texts, Backend& backend) {
  constexpr auto kAround = static_cast<std::int32_t>(DeepBranch::kAround);
  std::vector<std::int32_t> number(words.empty() ? 0
                                                 : static_cast<std::size_t>(distinct.back()) + 1);
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    number[static_cast<std::size_t>(distinct[i])] = static_cast<std::int32_t>(i);
  }
  std::vector<std::int32_t> rows, ends{0};
  rows.reserve(kAround * words.size());
  ends.reserve(words.size() + 1);
  const std::vector<std::int32_t>& offsets = texts.offsets();
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    for (std::int32_t t = offsets[i]; t < offsets[i + 1]; ++t) {
      for (std::int32_t k = 0; k < kAround; ++k) {
        const std::int32_t at = t + k - kAround / 2;
        if (at < offsets[i] || at >= offsets[i + 1]) continue;
        const auto word = static_cast<std::size_t>(words[static_cast<std::size_t>(at)]);
        rows.push_back(kAround * number[word] + k);
      }
      ends.push_back(static_cast<std::int32_t>(rows.size()));
    }
  }
  return {std::move(rows), std::move(ends), backend};
}

}  // namespace

DeepBranch::DeepBranch(const Config& config)
    : embed(config.vocabulary, kWordSize, {.deviation = 0.1}),
      around_(kWordSize, kAround * kHidden, {.bias = false}),
      bias_(nn::parameter(zeros({kHidden}))),
      pool_(kHidden, config.heads / config.members, config.attention),
      classes_(kHidden, config.classes) {}

Tensor DeepBranch::operator()(const std::vector<std::int32_t>& words, const Segments& texts) const {
  Backend& backend = embed.weight.backend();
  const std::vector<std::int32_t> distinct = distinct_words(words);
  const Tensor x = embed(from_vector(distinct, {std::ssize(distinct)}, &backend));
  const Tensor products = reshape(around_(dropout(x, kWordDropout, training())),
                                  {kAround * std::ssize(distinct), bias_.size(0)});
  const Tensor d = relu(gather_sum(products, rows_around(words, distinct, texts, backend)) + bias_);
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
