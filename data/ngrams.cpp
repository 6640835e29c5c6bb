#include "data/ngrams.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::data {

namespace {

constexpr int kWordBits = 21;
constexpr std::int64_t kMostWords = std::int64_t{1} << kWordBits;
constexpr std::int64_t kShards = 16;

// Word numbers are not 0, so the keys of words, pairs, triples and skips differ, and none is 0.
std::uint64_t pack(std::int32_t first, std::int32_t second = 0, std::int32_t third = 0) {
  const auto bits = [](std::int32_t word) { return static_cast<std::uint64_t>(word); };
  return bits(first) << 2 * kWordBits | bits(second) << kWordBits | bits(third);
}

// Fibonacci hashing: the upper bits of a product with 2^64 / golden ratio.
std::uint64_t mix(std::uint64_t key) {
  key ^= key >> 32;
  return key * 0x9E3779B97F4A7C15u;
}

void check_word(std::int32_t word) {
  if (word < kMostWords) return;
  throw Error(
      fmt::format("[Ngrams] word number {}: at most {} words can be told apart", word, kMostWords));
}

// Calls each(key) for the n-grams at position t of a text.
template <class Each>
void for_ngrams(std::span<const std::int32_t> text, std::size_t t, const NgramOptions& options,
                const Each& each) {
  const std::int32_t first = text[t];
  if (first == kUnknown) return;
  each(pack(first));
  const std::int32_t second = t + 1 < text.size() ? text[t + 1] : kUnknown;
  const std::int32_t third = t + 2 < text.size() ? text[t + 2] : kUnknown;
  if (options.longest >= 2 && second != kUnknown) each(pack(first, second));
  if (options.longest >= 3 && second != kUnknown && third != kUnknown) {
    each(pack(first, second, third));
  }
  if (options.skips && third != kUnknown) each(pack(first, kUnknown, third));
}

struct Counted {
  std::uint64_t key = 0;  // 0: free
  std::int64_t count = 0;
};

// Keys counted by open addressing.
class Counter {
 public:
  void add(std::uint64_t key) {
    if (2 * taken_ >= slots_.size()) grow();
    Counted& slot = find(key);
    taken_ += slot.key == 0 ? 1 : 0;
    slot.key = key;
    ++slot.count;
  }
  std::span<const Counted> slots() const { return slots_; }

 private:
  // The shard was chosen by the top bits of the hash: these are all alike.
  Counted& find(std::uint64_t key) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (mix(key) >> 16) & mask;
    while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask;
    return slots_[at];
  }
  void grow() {
    std::vector<Counted> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Counted& slot : old) {
      if (slot.key != 0) find(slot.key) = slot;
    }
  }
  std::vector<Counted> slots_ = std::vector<Counted>(1024);
  std::size_t taken_ = 0;
};

}  // namespace

Ngrams::Ngrams(std::vector<Key> keys, std::int64_t words, NgramOptions options)
    : options_(options), keys_(std::move(keys)) {
  for (const Key& key : keys_) {
    for (const std::int32_t word : {key.first, key.second, key.third}) {
      if (word < 0 || word >= words || key.first == kUnknown) {
        throw Error(fmt::format("[Ngrams] an n-gram of the words {}, {}, {}: there are {}",
                                key.first, key.second, key.third, words));
      }
      check_word(word);
    }
  }
  build_slots();
}

Ngrams Ngrams::of_texts(const EncodedTexts& texts, NgramOptions options) {
  for (const std::int32_t word : texts.ids) check_word(word);
  // Each task reads all the texts and counts the n-grams whose hash falls to it: no two share any.
  std::vector<std::vector<Counted>> shards(kShards);
  parallel_for(kShards, 1, [&](std::int64_t shard, std::int64_t) {
    Counter counter;
    const int shift = 64 - std::countr_zero(static_cast<std::uint64_t>(kShards));
    for (std::int64_t i = 0; i < texts.size(); ++i) {
      const auto text = texts[i];
      for (std::size_t t = 0; t < text.size(); ++t) {
        for_ngrams(text, t, options, [&](std::uint64_t key) {
          if (mix(key) >> shift == static_cast<std::uint64_t>(shard)) counter.add(key);
        });
      }
    }
    for (const Counted& slot : counter.slots()) {
      if (slot.key != 0 && slot.count >= options.least)
        shards[static_cast<std::size_t>(shard)].push_back(slot);
    }
  });
  std::vector<Counted> all;
  for (const auto& shard : shards) all.insert(all.end(), shard.begin(), shard.end());
  std::sort(all.begin(), all.end(), [](const Counted& a, const Counted& b) {
    return a.count != b.count ? a.count > b.count : a.key < b.key;
  });
  if (std::ssize(all) > options.most) all.resize(static_cast<std::size_t>(options.most));

  Ngrams result;
  result.options_ = options;
  result.keys_.reserve(all.size());
  constexpr std::uint64_t kMask = kMostWords - 1;
  for (const Counted& each : all) {
    result.keys_.push_back({static_cast<std::int32_t>(each.key >> 2 * kWordBits),
                            static_cast<std::int32_t>(each.key >> kWordBits & kMask),
                            static_cast<std::int32_t>(each.key & kMask)});
  }
  result.build_slots();
  return result;
}

void Ngrams::build_slots() {
  slots_.assign(std::bit_ceil(2 * keys_.size() + 2), {});
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const std::uint64_t key = pack(keys_[i].first, keys_[i].second, keys_[i].third);
    std::size_t at = (mix(key) >> 16) & mask;
    while (slots_[at].key != 0) {
      if (slots_[at].key == key) throw Error("[Ngrams] an n-gram comes twice");
      at = (at + 1) & mask;
    }
    slots_[at] = {key, static_cast<std::int32_t>(i)};
  }
}

std::int32_t Ngrams::find(std::uint64_t key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (mix(key) >> 16) & mask;
  while (slots_[at].key != 0 && slots_[at].key != key) at = (at + 1) & mask;
  return slots_[at].key == 0 ? -1 : slots_[at].number;
}

std::string Ngrams::text(std::int64_t number, const Vocabulary& vocabulary) const {
  const Key& key = keys_.at(static_cast<std::size_t>(number));
  std::string text = vocabulary.word(key.first);
  if (key.second != kUnknown) text += " " + vocabulary.word(key.second);
  if (key.second == kUnknown && key.third != kUnknown) text += " _";
  if (key.third != kUnknown) text += " " + vocabulary.word(key.third);
  return text;
}

EncodedTexts Ngrams::encode(const EncodedTexts& texts) const {
  struct Chunk {
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> sizes;  // of each position
    std::vector<std::int64_t> ends;   // of each text, in ids
  };
  std::vector<Chunk> chunks(static_cast<std::size_t>(ceil_div(texts.size(), kTextsAtOnce)));
  parallel_for(texts.size(), kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    Chunk& chunk = chunks[static_cast<std::size_t>(begin / kTextsAtOnce)];
    std::vector<std::uint64_t> seen;  // of this text: its n-grams by open addressing
    for (std::int64_t i = begin; i < end; ++i) {
      const auto text = texts[i];
      seen.assign(std::bit_ceil(8 * text.size() + 2), 0);
      const std::size_t mask = seen.size() - 1;
      const auto is_first = [&](std::int32_t number) {
        const auto mark = static_cast<std::uint64_t>(number) + 1;
        std::size_t at = (mix(mark) >> 16) & mask;
        while (seen[at] != 0 && seen[at] != mark) at = (at + 1) & mask;
        return std::exchange(seen[at], mark) == 0;
      };
      for (std::size_t t = 0; t < text.size(); ++t) {
        const auto before = chunk.ids.size();
        for_ngrams(text, t, options_, [&](std::uint64_t key) {
          const std::int32_t number = find(key);
          if (number >= 0 && (options_.repeats || is_first(number))) chunk.ids.push_back(number);
        });
        chunk.sizes.push_back(static_cast<std::int32_t>(chunk.ids.size() - before));
      }
      chunk.ends.push_back(std::ssize(chunk.ids));
    }
  });
  EncodedTexts result{{}, texts.offsets, texts.labels, {}, texts.ids, {0}};
  for (Chunk& chunk : chunks) {
    const std::int64_t begin = std::ssize(result.ids);
    result.ids.insert(result.ids.end(), chunk.ids.begin(), chunk.ids.end());
    result.bags.insert(result.bags.end(), chunk.sizes.begin(), chunk.sizes.end());
    for (const std::int64_t e : chunk.ends) result.starts.push_back(begin + e);
    chunk = {};
  }
  return result;
}

}  // namespace gradus::data
