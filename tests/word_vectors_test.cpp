#include "apps/classify/word_vectors.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"
#include "tensor/random.h"

using namespace gradus;
using namespace gradus::classify;

namespace {

// Texts about one of two subjects: words 1 .. 20 or 21 .. 40, and 41 .. 50 in both.
data::EncodedTexts two_subjects() {
  data::EncodedTexts texts;
  for (std::uint64_t i = 0; i < 400; ++i) {
    for (std::uint64_t t = 0; t < 30; ++t) {
      const auto random = philox(3, i, t);
      const std::uint32_t own = 1 + random[0] % 20 + 20 * (i % 2);
      texts.ids.push_back(
          static_cast<std::int32_t>(random[1] % 3 == 0 ? 41 + random[0] % 10 : own));
    }
    texts.offsets.push_back(std::ssize(texts.ids));
    texts.labels.push_back(0);
  }
  return texts;
}

}  // namespace

TEST_CASE("words of one subject get vectors that point one way") {
  const WordVectorOptions options{
      .dim = 16, .window = 4, .drawn = 20, .passes = 20, .frequent = 1, .batch = 512};
  const data::EncodedTexts texts = two_subjects();
  double last = 0;
  const Tensor vectors = train_word_vectors(texts, 51, options, [&](double done, double) {
    CHECK(done >= last);
    last = done;
    return true;
  });
  CHECK(last == 1);
  const Tensor unit = vectors / sqrt(sum(square(vectors), 1, true));
  const Tensor one = slice(unit, 0, 1, 21), two = slice(unit, 0, 21, 41);
  const double within = mean(matmul(one, transpose(one))).item();
  const double between = mean(matmul(one, transpose(two))).item();
  CHECK(within > between + 0.3);
}

TEST_CASE("a text longer than a batch takes several steps") {
  data::EncodedTexts texts;  // 1000 words, twice all of 500
  for (std::int32_t i = 0; i < 1000; ++i) texts.ids.push_back(1 + i % 500);
  texts.offsets = {0, 1000};
  texts.labels = {0};
  int steps = 0;
  train_word_vectors(texts, 501, {.dim = 4, .drawn = 5, .passes = 2, .frequent = 1, .batch = 100},
                     [&](double done, double) {
                       CHECK(done == doctest::Approx(++steps * 100 / 2000.0));
                       return true;
                     });
  CHECK(steps == 2 * 1000 / 100);
}

TEST_CASE("word vectors are the same bits for any number of threads, and of no texts") {
  const WordVectorOptions options{.dim = 8, .drawn = 10, .passes = 1, .batch = 256};
  const data::EncodedTexts texts = two_subjects();
  const int before = num_threads();
  std::vector<float> first;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    manual_seed(1);
    const std::vector<float> found = train_word_vectors(texts, 51, options).to_vector<float>();
    if (first.empty()) first = found;
    CHECK(found == first);
  }
  set_num_threads(before);
  CHECK(train_word_vectors({}, 3, options).shape() == Shape{3, 8});
}
