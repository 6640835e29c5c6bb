#include "data/word_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <span>
#include <utility>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

namespace {
constexpr std::size_t kMaxWordBytes = 100;
}

WordCounts::WordCounts() { words_.add(kUnknownWord); }

void WordCounts::add(std::string_view text, std::vector<std::int32_t>& numbers) {
  split_words(text, split_);
  const std::size_t begin = numbers.size();
  numbers.resize(begin + split_.size());
  const auto added = std::span(numbers).subspan(begin);
  for (std::size_t k = 0; k < split_.size(); ++k) {
    const std::string_view word = split_[k];
    added[k] = word.size() <= kMaxWordBytes ? words_.add(word) : kUnknown;
  }
  counts_.resize(static_cast<std::size_t>(words_.size()));
  for (const std::int32_t number : added) ++counts_[static_cast<std::size_t>(number)];
}

void WordCounts::add(const WordCounts& other) {
  for (std::int32_t i = 0; i < std::ssize(other.counts_); ++i) {
    const auto number = static_cast<std::size_t>(words_.add(other.words_[i]));
    counts_.resize(static_cast<std::size_t>(words_.size()));
    counts_[number] += other.counts_[static_cast<std::size_t>(i)];
  }
}

Vocabulary WordCounts::most_frequent(std::int64_t count, std::int64_t min_count) const {
  if (count < 0) throw Error(fmt::format("[Vocabulary] a size of {} words is below 0", count));
  struct Entry {
    std::int64_t times;
    std::int32_t number;
  };
  std::vector<Entry> entries;
  for (std::int32_t i = kUnknown + 1; i < std::ssize(counts_); ++i) {
    const std::int64_t times = counts_[static_cast<std::size_t>(i)];
    if (times >= min_count) entries.push_back({times, i});
  }
  const auto before = [this](const Entry& a, const Entry& b) {
    return a.times != b.times ? a.times > b.times : words_[a.number] < words_[b.number];
  };
  if (count < std::ssize(entries)) {
    std::nth_element(entries.begin(), entries.begin() + count, entries.end(), before);
    entries.resize(static_cast<std::size_t>(count));
  }
  std::sort(entries.begin(), entries.end(), before);
  std::vector<std::string> words{std::string(kUnknownWord)};
  words.reserve(entries.size() + 1);
  for (const Entry& entry : entries) words.emplace_back(words_[entry.number]);
  return Vocabulary(std::move(words));
}

std::deque<WordCounts> count_in_chunks(
    std::int64_t count, std::int64_t chunk,
    const std::function<void(std::int64_t, std::int64_t, WordCounts&, std::size_t)>& body) {
  std::deque<WordCounts> counters;  // never moves what is in it
  std::vector<std::size_t> free;
  std::mutex mutex;
  parallel_for(count, chunk, [&](std::int64_t begin, std::int64_t end) {
    std::unique_lock lock(mutex);
    if (free.empty()) {
      free.push_back(counters.size());
      counters.emplace_back();
    }
    const std::size_t counter = free.back();
    free.pop_back();
    WordCounts& counts = counters[counter];
    lock.unlock();
    body(begin, end, counts, counter);
    lock.lock();
    free.push_back(counter);
  });
  if (counters.empty()) counters.emplace_back();
  return counters;
}

// In pairs, pairs of pairs, and so on, each step on all cores.
WordCounts& sum(std::deque<WordCounts>& counters) {
  const auto count = std::ssize(counters);
  for (std::int64_t step = 1; step < count; step *= 2) {
    parallel_for(count, 2 * step, [&](std::int64_t begin, std::int64_t end) {
      if (begin + step >= end) return;
      counters[static_cast<std::size_t>(begin)].add(
          counters[static_cast<std::size_t>(begin + step)]);
    });
  }
  return counters[0];
}

}  // namespace gradus::data
