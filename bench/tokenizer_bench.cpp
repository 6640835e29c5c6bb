// From texts to batches of word numbers, in bytes of text a second: at one thread, and at all.
// The texts are those of the data set that GRADUS_BENCH_TEXT names, as `gradus train --data` takes
// it, else the definitions of WordNet (Debian package wordnet-base):
//
//   GRADUS_BENCH_TEXT=aclImdb_train.tar.gz ./dev bench --benchmark_filter=text/
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>
#include <string>

#include "data/batches.h"
#include "data/split.h"
#include "tensor/parallel.h"

namespace gradus::data {
namespace {

constexpr std::int64_t kTextsAtOnce = 64;
constexpr std::int64_t kWords = 20000;

struct Corpus {
  Dataset raw;
  std::vector<Text> texts;  // cleaned
  std::int64_t raw_bytes = 0, bytes = 0;
  Vocabulary vocabulary;
};

std::int64_t bytes_of(const std::vector<Text>& texts) {
  std::int64_t sum = 0;
  for (const Text& text : texts) sum += std::ssize(text.text);
  return sum;
}

// Read by the first row that runs, so that other benchmarks do not wait for it.
const Corpus& corpus() {
  static const Corpus* instance = [] {
    const char* path = std::getenv("GRADUS_BENCH_TEXT");
    auto* made = new Corpus;
    made->raw = read_dataset(path != nullptr ? path : "/usr/share/wordnet");
    Dataset cleaned = made->raw;
    clean(cleaned);
    made->texts = std::move(cleaned.train);
    made->raw_bytes = bytes_of(made->raw.train) + bytes_of(made->raw.test);
    made->bytes = bytes_of(made->texts);
    made->vocabulary = Vocabulary::of_texts(made->texts, kWords);
    return made;
  }();
  return *instance;
}

void split_all(const std::vector<Text>& texts) {
  parallel_for(std::ssize(texts), kTextsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    Words words;
    for (std::int64_t i = begin; i < end; ++i) {
      split_words(texts[static_cast<std::size_t>(i)].text, words);
      benchmark::DoNotOptimize(words.size());
    }
  });
}

void add(const std::string& name, std::int64_t Corpus::*bytes,
         const std::function<void(const Corpus&, benchmark::State&)>& body) {
  const int all = num_threads();
  for (const int threads : {1, all}) {
    benchmark::RegisterBenchmark(("text/" + name + "/threads:" + std::to_string(threads)).c_str(),
                                 [=](benchmark::State& state) {
                                   const Corpus& on = corpus();
                                   set_num_threads(threads);
                                   for (auto _ : state) body(on, state);
                                   state.SetBytesProcessed(state.iterations() * on.*bytes);
                                   set_num_threads(all);
                                 })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
}

const bool kAdded = [] {
  add("clean", &Corpus::raw_bytes, [](const Corpus& on, benchmark::State& state) {
    state.PauseTiming();
    Dataset dataset = on.raw;
    state.ResumeTiming();
    benchmark::DoNotOptimize(clean(dataset));
  });
  add("split_words", &Corpus::bytes, [](const Corpus& on, auto&) { split_all(on.texts); });
  add("vocabulary", &Corpus::bytes, [](const Corpus& on, auto&) {
    benchmark::DoNotOptimize(Vocabulary::of_texts(on.texts, kWords));
  });
  add("encode", &Corpus::bytes,
      [](const Corpus& on, auto&) { benchmark::DoNotOptimize(encode(on.vocabulary, on.texts)); });
  add("vocabulary and encode", &Corpus::bytes, [](const Corpus& on, auto&) {
    benchmark::DoNotOptimize(learn_vocabulary(on.texts, kWords));
  });
  return true;
}();

}  // namespace
}  // namespace gradus::data
