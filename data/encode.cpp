#include "data/encode.h"

#include <algorithm>

#include "data/word_counts.h"
#include "tensor/parallel.h"

namespace gradus::data {

namespace {

// Texts one after another, as one thread encodes them.
struct Chunk {
  std::vector<std::int32_t> ids;
  std::vector<std::int64_t> ends;  // of each text, in ids
  std::size_t counter = 0;         // that gave the numbers, if they are provisional

  // Room for the ids of most texts: English has five bytes a token, with the space behind it.
  void reserve(std::span<const Text> texts) {
    std::size_t bytes = 0;
    for (const Text& text : texts) bytes += text.text.size();
    ids.reserve(bytes / 4 + texts.size());
    ends.reserve(texts.size());
  }

  // The ids since the last call are a text.
  void end_text() {
    if (std::ssize(ids) == (ends.empty() ? 0 : ends.back())) ids.push_back(kUnknown);
    ends.push_back(std::ssize(ids));
  }
};

std::span<const Text> part(std::span<const Text> texts, std::int64_t begin, std::int64_t end) {
  return texts.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
}

std::vector<Chunk> chunks_of(std::span<const Text> texts) {
  return std::vector<Chunk>(static_cast<std::size_t>(ceil_div(std::ssize(texts), kTextsAtOnce)));
}

// Chunk after chunk in one array. put(chunk, to) writes the chunk's ids to `to`.
template <class Put>
EncodedTexts join(std::span<const Text> texts, std::vector<Chunk> chunks, const Put& put) {
  EncodedTexts encoded;
  encoded.offsets.reserve(texts.size() + 1);
  encoded.labels.reserve(texts.size());
  std::vector<std::int64_t> begins;
  for (const Chunk& chunk : chunks) {
    begins.push_back(encoded.offsets.back());
    for (const std::int64_t end : chunk.ends) encoded.offsets.push_back(begins.back() + end);
  }
  for (const Text& text : texts) encoded.labels.push_back(text.label);
  encoded.ids.resize(static_cast<std::size_t>(encoded.offsets.back()));
  parallel_for(std::ssize(chunks), 1, [&](std::int64_t i, std::int64_t) {
    Chunk& chunk = chunks[static_cast<std::size_t>(i)];
    put(chunk, encoded.ids.begin() + begins[static_cast<std::size_t>(i)]);
    chunk = {};  // its memory
  });
  return encoded;
}

std::span<const std::int32_t> part(const std::vector<std::int32_t>& all,
                                   const std::vector<std::int64_t>& begins, std::int64_t i) {
  const auto begin = static_cast<std::size_t>(begins[static_cast<std::size_t>(i)]);
  const auto end = static_cast<std::size_t>(begins[static_cast<std::size_t>(i) + 1]);
  return std::span(all).subspan(begin, end - begin);
}

}  // namespace

std::span<const std::int32_t> EncodedTexts::operator[](std::int64_t i) const {
  return part(ids, starts.empty() ? offsets : starts, i);
}

std::span<const std::int32_t> EncodedTexts::bags_of(std::int64_t i) const {
  return part(bags, offsets, i);
}

std::span<const std::int32_t> EncodedTexts::words_of(std::int64_t i) const {
  return part(words, offsets, i);
}

EncodedTexts encode(const Vocabulary& vocabulary, std::span<const Text> texts) {
  std::vector<Chunk> chunks = chunks_of(texts);
  parallel_for(std::ssize(texts), kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    Chunk& chunk = chunks[static_cast<std::size_t>(begin / kTextsAtOnce)];
    chunk.reserve(part(texts, begin, end));
    Words words;
    for (const Text& text : part(texts, begin, end)) {
      split_words(text.text, words);
      vocabulary.encode(words, chunk.ids);
      chunk.end_text();
    }
  });
  return join(texts, std::move(chunks),
              [](const Chunk& chunk, auto to) { std::ranges::copy(chunk.ids, to); });
}

Learned learn_vocabulary(std::span<const Text> texts, std::int64_t count, std::int64_t min_count) {
  std::vector<Chunk> chunks = chunks_of(texts);
  auto counters = count_in_chunks(
      std::ssize(texts), kTextsAtOnce,
      [&](std::int64_t begin, std::int64_t end, WordCounts& counts, std::size_t counter) {
        Chunk& chunk = chunks[static_cast<std::size_t>(begin / kTextsAtOnce)];
        chunk.counter = counter;
        chunk.reserve(part(texts, begin, end));
        for (const Text& text : part(texts, begin, end)) {
          counts.add(text.text, chunk.ids);
          chunk.end_text();
        }
      });
  Vocabulary vocabulary = sum(counters).most_frequent(count, min_count);

  std::vector<std::vector<std::int32_t>> final_ids(counters.size());  // by provisional number
  parallel_for(std::ssize(counters), 1, [&](std::int64_t i, std::int64_t) {
    const WordTable& words = counters[static_cast<std::size_t>(i)].words();
    auto& ids = final_ids[static_cast<std::size_t>(i)];
    for (std::int32_t k = 0; k < words.size(); ++k) ids.push_back(vocabulary.id(words[k]));
  });
  EncodedTexts encoded = join(texts, std::move(chunks), [&](const Chunk& chunk, auto to) {
    std::ranges::transform(chunk.ids, to, [&ids = final_ids[chunk.counter]](std::int32_t k) {
      return ids[static_cast<std::size_t>(k)];
    });
  });
  return {std::move(vocabulary), std::move(encoded)};
}

}  // namespace gradus::data
