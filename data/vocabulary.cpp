#include "data/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

namespace {
constexpr std::size_t kMaxWordBytes = 100;
constexpr std::int64_t kTextsAtOnce = 1024;
}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  if (words_.empty() || words_[0] != kUnknownWord) {
    throw Error(fmt::format("[Vocabulary] the first word must be {}", kUnknownWord));
  }
  if (words_.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw Error(fmt::format("[Vocabulary] {} words are more than fit 32 bits", words_.size()));
  }
  ids_.reserve(words_.size());
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const auto [at, is_new] = ids_.emplace(words_[i], static_cast<std::int32_t>(i));
    if (!is_new) {
      throw Error(
          fmt::format("[Vocabulary] words {} and {} are both '{}'", at->second, i, words_[i]));
    }
  }
}

Vocabulary Vocabulary::of_texts(std::span<const Text> texts, std::int64_t count,
                                std::int64_t min_count) {
  if (count < 0) throw Error(fmt::format("[Vocabulary] a size of {} words is below 0", count));
  using Counts = std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>>;
  Counts total;
  std::mutex mutex;
  // Sums do not depend on the order in which the chunks are added.
  parallel_for(std::ssize(texts), kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    Counts counts;
    Words words;
    for (std::int64_t i = begin; i < end; ++i) {
      split_words(texts[static_cast<std::size_t>(i)].text, words);
      for (std::size_t k = 0; k < words.size(); ++k) {
        if (words[k].size() > kMaxWordBytes) continue;
        const auto found = counts.find(words[k]);
        found != counts.end() ? ++found->second : counts.emplace(words[k], 1).first->second;
      }
    }
    const std::lock_guard lock(mutex);
    for (const auto& [word, n] : counts) total[word] += n;
  });

  using Entry = std::pair<std::string_view, std::int64_t>;
  std::vector<Entry> entries;
  for (const auto& [word, n] : total) {
    if (n >= min_count && word != kUnknownWord) entries.emplace_back(word, n);
  }
  const auto kept = static_cast<std::ptrdiff_t>(
      std::min(static_cast<std::uint64_t>(count), static_cast<std::uint64_t>(entries.size())));
  std::partial_sort(entries.begin(), entries.begin() + kept, entries.end(),
                    [](const Entry& a, const Entry& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  std::vector<std::string> words{std::string(kUnknownWord)};
  words.reserve(static_cast<std::size_t>(kept) + 1);
  for (std::ptrdiff_t i = 0; i < kept; ++i) {
    words.emplace_back(entries[static_cast<std::size_t>(i)].first);
  }
  return Vocabulary(std::move(words));
}

const std::string& Vocabulary::word(std::int32_t id) const {
  if (id < 0 || id >= size()) {
    throw IndexError(fmt::format("[Vocabulary] word {} of {}", id, size()));
  }
  return words_[static_cast<std::size_t>(id)];
}

std::int32_t Vocabulary::id(std::string_view word) const {
  const auto found = ids_.find(word);
  return found == ids_.end() ? kUnknown : found->second;
}

std::vector<std::int32_t> Vocabulary::encode(const Words& words) const {
  std::vector<std::int32_t> ids;
  encode(words, ids);
  return ids;
}

void Vocabulary::encode(const Words& words, std::vector<std::int32_t>& ids) const {
  for (std::size_t i = 0; i < words.size(); ++i) ids.push_back(id(words[i]));
}

}  // namespace gradus::data
