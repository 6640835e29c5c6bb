#include "autograd/checkpoint.h"

#include <doctest/doctest.h>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

using Blocks = nn::ModuleList<nn::TransformerEncoderLayer>;

constexpr std::int64_t kRows = 96, kDim = 32;

struct Step {
  std::vector<std::vector<double>> gradients;  // of every parameter, and of x
  std::size_t bytes = 0;                       // that the step needed besides what was there before
  RandomState random;                          // where the random numbers have come to
};

// Forward and back through the blocks, each made an input of `through`.
template <class Through>
Step step(const Blocks& blocks, const Tensor& values, Through through) {
  Backend& on = values.backend();
  Tensor x = values.detach().set_requires_grad();
  for (const auto& block : blocks) block.zero_grad();
  manual_seed(7);
  on.reset_peak_memory();
  const std::size_t before = on.memory().in_use;
  Tensor y = x;
  for (const auto& block : blocks) y = through(block, y);
  mean(square(y)).backward();
  Step done;
  done.bytes = on.memory().peak - before;
  done.random = random_state();
  for (const auto& block : blocks) {
    for (const Tensor& p : block.parameters()) {
      done.gradients.push_back(p.grad().to_vector<double>());
    }
  }
  done.gradients.push_back(x.grad().to_vector<double>());
  return done;
}

}  // namespace

TEST_CASE("twelve checkpointed blocks need half the memory and give the same bits") {
  manual_seed(1);
  const Blocks blocks(12, kDim, 4, nn::TransformerOptions{.dropout = 0.2});
  const Tensor x = normal({kRows, kDim});
  const Segments texts({0, 40, 41, kRows});
  const auto plain = [&](const auto& block, const Tensor& y) { return block(y, texts); };
  const auto saving = [&](const auto& block, const Tensor& y) {
    return checkpoint([block, texts](const Tensor& h) { return block(h, texts); }, y);
  };
  step(blocks, x, plain);  // what is made once (offsets, thread pools) is there
  const Step all = step(blocks, x, plain), some = step(blocks, x, saving);
  CHECK(all.gradients == some.gradients);
  CHECK(all.random.next_stream == some.random.next_stream);
  CHECK(all.random.next_stream > 12);  // dropout was at work
  CHECK(2 * some.bytes < all.bytes);
}

TEST_CASE("gradients reach what the function captured, by grad() too, and no further") {
  // y = (a b)^2 c with a an input and b = 2d computed outside: dy/da = 2 a b^2 c, dy/dc = (a b)^2,
  // dy/dd = 2 a^2 b c * 2
  Tensor a = tensor(3, {DType::f64}).set_requires_grad();
  Tensor c = tensor(5, {DType::f64}).set_requires_grad();
  Tensor d = tensor(1, {DType::f64}).set_requires_grad();
  const Tensor b = d * 2;
  const auto f = [b, c](const Tensor& x) { return square(x * b) * c; };
  const std::vector<Tensor> g = grad({checkpoint(f, a)}, {a, c, d}, {.retain_graph = true});
  CHECK(g[0].item() == 2 * 3 * 4 * 5);
  CHECK(g[1].item() == 36);
  CHECK(g[2].item() == 2 * 9 * 2 * 5 * 2);
  CHECK_FALSE(c.grad().defined());
  (checkpoint(f, a) + b).backward();  // b's own graph was neither walked nor freed within
  CHECK(d.grad().item() == 360 + 2);
  CHECK(c.grad().item() == 36);
}

TEST_CASE("several inputs, some without gradients, and second gradients") {
  const auto f = [](const std::vector<Tensor>& in) {
    return checkpoint(
        [](const std::vector<Tensor>& x) { return tanh(matmul(x[0], x[1])) * sum(x[0]); },
        {in[0], in[1], tensor({1, 2})});
  };
  manual_seed(2);
  const std::vector<Tensor> inputs{normal({2, 3}, 0, 1, {DType::f64}),
                                   normal({3, 2}, 0, 1, {DType::f64})};
  const GradcheckReport first = gradcheck(f, inputs), second = gradgradcheck(f, inputs);
  CHECK_MESSAGE(first.ok, first.text);
  CHECK_MESSAGE(second.ok, second.text);
}

TEST_CASE("an embedding's gradient stays row-sparse") {
  Tensor table = ones({1000, 2}).set_requires_grad();
  const Tensor rows = from_vector<std::int32_t>({7, 3}, {2});
  sum(checkpoint([table](const Tensor& at) { return square(gather(table, at)); }, rows)).backward();
  REQUIRE(table.gradient().is_sparse());
  CHECK(table.gradient().values().to_vector<double>() == std::vector<double>{2, 2, 2, 2});
}

TEST_CASE("nothing to differentiate, nothing recorded") {
  const Tensor x = tensor({1, 2});
  CHECK_FALSE(checkpoint([](const Tensor& t) { return t * 2; }, x).requires_grad());
  Tensor w = tensor({3, 4}).set_requires_grad();
  NoGrad off;
  CHECK_FALSE(checkpoint([w](const Tensor& t) { return t * w; }, x).requires_grad());
}

TEST_CASE("a function that changes its mind is found out") {
  Tensor w = tensor({3, 4}).set_requires_grad();
  bool first = true;
  const Tensor y =
      checkpoint([&](const Tensor& t) { return std::exchange(first, false) ? t * w : t * 2; },
                 tensor({1, 2}).set_requires_grad());
  CHECK(message_of<GradError>([&] {
          sum(y).backward();
        }).starts_with("[checkpoint] run again, the function does not depend on a tensor [2]"));
}
