// Predicting with a trained model: the classifier of the `gradus` program, of the size of the one in
// step_bench.cpp, on reviews of 230 words.
//
//   inference/one review, text to label    all of it: words, numbers, model, the likeliest class
//   inference/one review, text to label, bf16   the same, with the numbers of products rounded
//   inference/one review, model            the model alone
//   inference/64 reviews, text to label    the same of 64 reviews at once
//   inference/64 reviews, model
//   inference/start to first answer        `gradus predict`, from its start to its end
//
// bench/peers/torch_inference.py runs the model alone in PyTorch.
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>

#include "apps/classify/model_file.h"
#include "apps/classify/probabilities.h"
#include "apps/classify/trainer.h"
#include "autograd/autograd.h"
#include "bench/measure.h"
#include "data/encode.h"
#include "tensor/parallel.h"

extern char** environ;

namespace gradus::bench {
namespace {

constexpr std::int64_t kWords = 20000, kReviewWords = 230;

// Made-up words, the first ones short, as the frequent ones of a language are.
std::string word(std::int64_t number) {
  std::string letters;
  for (std::int64_t rest = number + 26; rest > 0; rest /= 26) {
    letters += static_cast<char>('a' + rest % 26);
  }
  return letters;
}

classify::SavedModel make_model() {
  std::vector<std::string> words{std::string(data::kUnknownWord)};
  while (std::ssize(words) < kWords) words.push_back(word(std::ssize(words)));
  const classify::Config config{.encoder = classify::EncoderKind::transformer,
                                .vocabulary = kWords,
                                .classes = 2,
                                .attention_size = 128,
                                .hidden_size = 2048,
                                .layers = 1,
                                .heads = 4};
  auto model = classify::make_classifier(config);
  model->eval();
  return {.vocabulary = data::Vocabulary(std::move(words)),
          .ngrams = {},
          .labels = {"neg", "pos"},
          .metrics = "",
          .model = std::move(model)};
}

struct Predictor {
  classify::SavedModel saved = make_model();
  std::vector<data::Text> reviews;
  std::vector<double> times;  // seconds, of each pass

  explicit Predictor(std::int64_t count) {
    std::minstd_rand draw(1);
    for (std::int64_t i = 0; i < count; ++i) {
      std::string text;
      for (std::int64_t w = 0; w < kReviewWords; ++w) {
        text += word(1 + static_cast<std::int64_t>(draw() % (kWords - 1))) + " ";
      }
      reviews.push_back({text, 0});
    }
  }

  std::vector<std::string> labels() const {
    const std::vector<float> p =
        classify::probabilities(*saved.model, classify::encode(saved, reviews));
    std::vector<std::string> found;
    for (std::size_t i = 0; i < reviews.size(); ++i) {
      found.push_back(saved.labels[p[2 * i] < p[2 * i + 1] ? 1 : 0]);
    }
    return found;
  }

  template <class Pass>
  void timed(Pass pass) {
    const double start = now();
    pass();
    times.push_back(now() - start);
  }
};

// A row of `passes` over as many reviews as `predictor` has, with the time that 99 of 100 passes
// keep within.
template <class Pass>
Row row_of(const std::shared_ptr<Predictor>& predictor, Pass pass) {
  return {.pass = [=] { predictor->timed([&] { pass(*predictor); }); },
          .report =
              [=](auto& state) {
                std::vector<double>& times = predictor->times;
                times.erase(times.begin(), times.end() - state.iterations());
                std::sort(times.begin(), times.end());
                state.counters["p99"] = times[times.size() * 99 / 100];
                state.counters["items_per_second"] =
                    per_second(static_cast<double>(predictor->reviews.size()));
                times.clear();
              }};
}

Row text_to_label(std::int64_t reviews) {
  return row_of(std::make_shared<Predictor>(reviews),
                [](const Predictor& p) { benchmark::DoNotOptimize(p.labels()); });
}

Row model_alone(std::int64_t reviews) {
  const auto predictor = std::make_shared<Predictor>(reviews);
  const data::EncodedTexts texts = data::encode(predictor->saved.vocabulary, predictor->reviews);
  std::vector<std::int64_t> all(static_cast<std::size_t>(reviews));
  std::iota(all.begin(), all.end(), 0);
  return row_of(predictor, [batch = data::make_batch(texts, all)](const Predictor& p) {
    const NoGrad off;
    benchmark::DoNotOptimize((*p.saved.model)(batch).logits.to_vector<float>());
  });
}

const bool kAdded = [] {
  add("inference/one review, text to label", [] { return text_to_label(1); });
  add("inference/one review, text to label, bf16", [] { return in_bf16(text_to_label(1)); });
  add("inference/one review, model", [] { return model_alone(1); });
  add("inference/64 reviews, text to label", [] { return text_to_label(64); });
  add("inference/64 reviews, model", [] { return model_alone(64); });
  return true;
}();

// A model and a review in files of their own, for as long as this lives.
struct Files {
  std::filesystem::path folder;

  explicit Files(const Predictor& predictor) {
    std::string name = (std::filesystem::temp_directory_path() / "gradus-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = name;
    classify::save_model(folder / "model", predictor.saved);
    std::ofstream(folder / "review") << predictor.reviews[0].text << '\n';
  }
  ~Files() { std::filesystem::remove_all(folder); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  void predict() const {
    const std::string threads = std::to_string(num_threads());
    const std::string model = folder / "model", review = folder / "review";
    const std::string quiet = "exec " GRADUS_PROGRAM " --threads " + threads + " predict --model " +
                              model + " " + review + " >/dev/null";
    const char* const arguments[] = {"sh", "-c", quiet.c_str(), nullptr};
    pid_t child = 0;
    int status = 1;
    if (posix_spawn(&child, "/bin/sh", nullptr, nullptr, const_cast<char**>(arguments), environ) ||
        waitpid(child, &status, 0) != child || status != 0) {
      throw std::runtime_error("gradus predict failed");
    }
  }
};

const bool kStart = add("inference/start to first answer", [] {
  const auto predictor = std::make_shared<Predictor>(1);
  const auto files = std::make_shared<Files>(*predictor);
  return row_of(predictor, [files](const Predictor&) { files->predict(); });
});

}  // namespace
}  // namespace gradus::bench
