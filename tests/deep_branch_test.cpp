// What the branches of a classifier of n-grams are made of: pooling by attention, and the branch that reads
// words in their order.

#include "apps/classify/deep_branch.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "apps/classify/pooling.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "tensor/random.h"

using namespace gradus;
using namespace gradus::classify;

namespace {

Tensor named(const nn::Module& module, const std::string& name) {
  for (const auto& [found, parameter] : module.named_parameters()) {
    if (found == name) return parameter;
  }
  FAIL("no parameter " << name);
  return {};
}

}  // namespace

TEST_CASE("attention can prefer a part of a text") {
  const NoGrad off;
  Config config;
  config.parts = 2;
  const Pooling pool(2, 1, config);
  Tensor parts = named(pool, "parts");
  // The second half's positions weigh e^(10 ln(3) / 10) = 3 times as much as those of the first.
  parts.assign(from_vector(std::vector<float>{0, std::log(3.0F) / 10}, {2, 1}));
  // Four positions are cut into two and two, of three the first two are the first half, one is all.
  const auto weights = pool(ones({8, 2}), {{0, 4, 7, 8}}).weights.to_vector<float>();
  const std::vector<float> expected{1 / 8.F, 1 / 8.F, 3 / 8.F, 3 / 8.F,
                                    1 / 5.F, 1 / 5.F, 3 / 5.F, 1};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(weights[i] == doctest::Approx(expected[i]));
  }
}

TEST_CASE("the deep branch is a convolution over the words' vectors") {
  const NoGrad off;
  manual_seed(4);
  Config config = defaults_of(EncoderKind::wide_deep);
  config.vocabulary = 9;
  config.classes = 3;
  const std::vector<std::int32_t> words{3, 1, 8, 3, 3, 2, 7, 1, 5};
  const Segments texts({0, 6, 8, 9});
  for (const std::int64_t width : {3, 5}) {
    CAPTURE(width);
    config.around = width;
    DeepBranch branch(config);
    branch.eval();
    const Tensor stacked = named(branch, "around.weight"), bias = named(branch, "bias");
    const std::int64_t hidden = bias.size(0), size = DeepBranch::kWordSize;
    const Tensor weight = permute(reshape(stacked, {width, hidden, size}), {1, 2, 0});
    const Windows windows =
        segment_windows(texts, {.size = width, .padding = width / 2}, default_backend());
    const Tensor x = gather(named(branch, "embed.weight"), from_vector(words, {9}));
    const Tensor d = relu(segment_conv1d(x, weight, bias, windows));
    // Attention begins as the plain average.
    const Tensor expected = linear(segment_mean(d, texts), named(branch, "classes.weight"),
                                   named(branch, "classes.bias"));
    CHECK(max(abs(branch(words, texts) - expected)).item() < 1e-5);
  }
}

TEST_CASE("reading a long text takes twice the memory of its positions") {
  const NoGrad off;
  Config config = defaults_of(EncoderKind::wide_deep);
  config.vocabulary = 9;
  config.classes = 2;
  DeepBranch branch(config);
  branch.eval();
  constexpr std::int32_t kWords = 100'000;
  const std::vector<std::int32_t> words(kWords, 3);
  Backend& on = default_backend();
  on.reset_peak_memory();
  const std::size_t before = on.memory().in_use;
  branch(words, Segments({0, kWords}));
  const std::size_t positions = kWords * DeepBranch::kHidden * sizeof(float);
  CHECK(on.memory().peak - before >= positions);
  CHECK(on.memory().peak - before < 2.5 * static_cast<double>(positions));
}
