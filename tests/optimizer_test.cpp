#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "gradus.h"

using namespace gradus;

namespace {

const TensorOptions kDouble{.dtype = DType::f64};

void check_close(const Tensor& x, const std::vector<double>& expected, double epsilon = 1e-8) {
  const std::vector<double> values = x.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK(values[i] == doctest::Approx(expected[i]).epsilon(epsilon).scale(1));
  }
}

// Five steps from {1, -2, 0.5}, the gradient at step t being sin(t p).
template <class Optimizer, class Options>
Tensor five_steps(Options options, DType dtype = DType::f64) {
  Tensor p = tensor({1, -2, 0.5}, {.dtype = dtype}).set_requires_grad();
  Optimizer optimizer({p}, options);
  for (int t = 1; t <= 5; ++t) {
    p.set_gradient(sin(p.detach() * t));
    optimizer.step();
  }
  return p;
}

// A table [3, 2] of 1 .. 6 with the gradient `values` in `rows`.
void set_rows(Tensor& table, std::vector<std::int32_t> rows, const Tensor& values) {
  const Shape shape{static_cast<std::int64_t>(rows.size())};
  table.set_gradient(Gradient::row_sparse(from_vector(rows, shape), values, table.shape()));
}

}  // namespace

TEST_CASE("optimizers give PyTorch's numbers") {
  using namespace optim;
  check_close(five_steps<SGD>(SGDOptions{.lr = 0.1}), {0.799161447, -1.921331596, 0.110681029});
  check_close(five_steps<SGD>(SGDOptions{.lr = 0.1, .weight_decay = 0.2}),
              {0.637475644, -1.683674303, 0.091121100});
  check_close(five_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2}),
              {-0.319204365, -1.347951694, -0.273278527});
  check_close(five_steps<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true}),
              {-0.267159069, -1.650073051, -0.143625248});
  check_close(five_steps<Adam>(AdamOptions{.lr = 0.1}), {0.530053655, -1.864564963, 0.003389519});
  check_close(five_steps<Adam>(AdamOptions{
                  .lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2}),
              {0.528706628, -1.707015525, 0.003765062});
  check_close(five_steps<AdamW>(AdamWOptions{.lr = 0.1}), {0.524869687, -1.854633634, 0.001963035});
  check_close(five_steps<AdamW>(AdamWOptions{
                  .lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2}),
              {0.438569344, -1.686235660, -0.021969246});
  check_close(five_steps<RMSprop>(RMSpropOptions{.lr = 0.1}),
              {0.000008315, 0.247628232, -0.245795058});
  check_close(five_steps<RMSprop>(RMSpropOptions{.lr = 0.1,
                                                 .alpha = 0.9,
                                                 .epsilon = 1e-3,
                                                 .momentum = 0.5,
                                                 .centered = true,
                                                 .weight_decay = 0.2}),
              {-0.083105897, -1.283249975, 0.070371736});
  check_close(five_steps<Adagrad>(AdagradOptions{.lr = 0.1}),
              {0.823012532, -1.938624036, 0.141608992});
  check_close(five_steps<Adagrad>(
                  AdagradOptions{.lr = 0.1, .lr_decay = 0.5, .weight_decay = 0.2, .epsilon = 1e-3}),
              {0.841973416, -1.882127891, 0.270531450});
  check_close(five_steps<AdamW>(AdamWOptions{.lr = 0.1}, DType::f32),
              {0.524869687, -1.854633634, 0.001963035}, 1e-5);
}

// From the papers' algorithms, written out number by number in plain Python.
TEST_CASE("Lion and LAMB give the numbers of their papers' algorithms") {
  using namespace optim;
  check_close(five_steps<Lion>(LionOptions{.lr = 0.1}), {0.5, -2.1, 0});
  check_close(
      five_steps<Lion>(LionOptions{.lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .weight_decay = 0.2}),
      {0.423524781, -1.707763978, -0.028435618});
  check_close(five_steps<Lamb>(LambOptions{.lr = 0.1}), {0.288866686, -1.798277107, -0.153233631});
  check_close(five_steps<Lamb>(LambOptions{
                  .lr = 0.1, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2}),
              {0.322075787, -1.644586947, -0.095451478});

  // The first step, p = (3, 4), g = (1, -2), no epsilon and no decay: u = g / |g| = (1, -1), so p
  // moves by lr |p| / |u| = 0.1 * 5 / sqrt(2) each.
  Tensor p = tensor({3, 4}, kDouble).set_requires_grad();
  Lamb lamb({p}, {.lr = 0.1, .epsilon = 0, .weight_decay = 0});
  p.set_gradient(tensor({1, -2}, kDouble));
  lamb.step();
  const double move = 0.5 / std::numbers::sqrt2;
  check_close(p, {3 - move, 4 + move});
  // From zero a step is Adam's, and a gradient of zero moves nothing.
  Tensor zero = zeros({2}, kDouble).set_requires_grad();
  Lamb from_zero({zero}, {.lr = 0.1, .epsilon = 0});
  zero.set_gradient(tensor({1, -2}, kDouble));
  from_zero.step();
  check_close(zero, {-0.1, 0.1});
  Tensor still = tensor({3, 4}, kDouble).set_requires_grad();
  Lamb without({still}, {.weight_decay = 0});
  still.set_gradient(zeros({2}, kDouble));
  without.step();
  check_close(still, {3, 4});
}

TEST_CASE("row-sparse gradients move only the rows that they touch") {
  // PyTorch's SparseAdam: rows 0, 2 and again 0, then row 2.
  Tensor table = tensor({{1, 2}, {3, 4}, {5, 6}}, kDouble).set_requires_grad();
  optim::Adam adam({table}, {.lr = 0.1});
  set_rows(table, {0, 2, 0}, tensor({{1, 2}, {3, 4}, {5, 6}}, kDouble));
  adam.step();
  set_rows(table, {2}, tensor({{1, -1}}, kDouble));
  adam.step();
  // 1e-6, for PyTorch adds epsilon before it corrects the second moment.
  check_close(table, {0.9, 1.9, 3, 4, 4.8128936, 5.8530532}, 1e-6);

  // A gradient that touches every row gives what the dense one gives, whatever the optimizer.
  const auto compare = [&](const auto& make) {
    Tensor sparse = tensor({{1, 2}, {3, 4}, {5, 6}}, kDouble).set_requires_grad();
    Tensor dense = tensor({{1, 2}, {3, 4}, {5, 6}}, kDouble).set_requires_grad();
    const auto first = make(sparse), second = make(dense);
    for (int t = 1; t <= 3; ++t) {
      const Tensor g = sin(dense.detach() * t);
      set_rows(sparse, {2, 0, 1, -1, 2},  // row 2 in two halves, and no row at all
               concat({slice(g, 0, 2, 3) / 2, slice(g, 0, 0, 2), ones({1, 2}, kDouble),
                       slice(g, 0, 2, 3) / 2},
                      0));
      dense.set_gradient(g);
      first->step();
      second->step();
    }
    check_close(sparse, dense.to_vector<double>());
  };
  using namespace optim;
  compare([](Tensor& p) {
    const SGDOptions options{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1};
    return std::make_unique<SGD>(std::vector{p}, options);
  });
  compare([](Tensor& p) { return std::make_unique<AdamW>(std::vector{p}); });
  compare([](Tensor& p) {
    const RMSpropOptions options{.lr = 0.1, .momentum = 0.9, .centered = true};
    return std::make_unique<RMSprop>(std::vector{p}, options);
  });
  compare([](Tensor& p) { return std::make_unique<Adagrad>(std::vector{p}); });
  compare([](Tensor& p) { return std::make_unique<Lion>(std::vector{p}); });
  compare([](Tensor& p) { return std::make_unique<Lamb>(std::vector{p}); });
}

TEST_CASE("rows of a strided parameter are found by its strides") {
  const Tensor columns = tensor({{1, 3, 5}, {2, 4, 6}}, kDouble);
  Tensor table = transpose(columns).set_requires_grad();  // [3, 2] of 1 .. 6
  optim::SGD sgd({table}, {.lr = 1});
  set_rows(table, {2, 0}, tensor({{10, 20}, {30, 40}}, kDouble));
  sgd.step();
  check_close(table, {-29, -38, 3, 4, -5, -14});
  check_close(columns, {-29, 3, -5, -38, 4, -14});
}

TEST_CASE("a step that fails changes neither state nor parameter") {
  Tensor p = tensor({1, 2}).set_requires_grad(), q = tensor({1, 2}).set_requires_grad();
  const optim::RMSpropOptions options{.lr = 0.1};
  optim::RMSprop failed({p}, options), other({q}, options);
  const auto step = [](Tensor& x, optim::RMSprop& optimizer) {
    x.set_gradient(tensor({3, 4}));
    optimizer.step();
  };
  step(p, failed);
  failed.options().centered = true;
  CHECK_THROWS_AS(step(p, failed), Error);  // there is no moment of this from the first step
  failed.options() = options;
  step(p, failed);
  step(q, other);
  step(q, other);
  CHECK(p.to_vector<double>() == q.to_vector<double>());
}

TEST_CASE("two half batches, each loss halved, make the step of the whole batch") {
  manual_seed(4);
  const nn::Linear whole(3, 2), parts = nn::clone(whole);
  const Tensor x = normal({6, 3});
  const Tensor labels = from_vector<std::int32_t>({0, 1, 1, 0, 1, 1}, {6});
  optim::AdamW of_whole(whole.parameters()), of_parts(parts.parameters());
  for (int step = 0; step < 3; ++step) {
    of_whole.zero_grad();
    nn::cross_entropy(whole(x), labels).backward();
    of_whole.step();
    of_parts.zero_grad();
    for (const std::int64_t begin : {0, 3}) {
      const Tensor loss = nn::cross_entropy(parts(slice(x, 0, begin, begin + 3)),
                                            slice(labels, 0, begin, begin + 3));
      (loss / 2).backward();
    }
    of_parts.step();
    check_close(parts.weight, whole.weight.to_vector<double>(), 1e-6);
    check_close(parts.bias, whole.bias.to_vector<double>(), 1e-6);
  }
}

TEST_CASE("groups have their own options; parameters without a gradient stay") {
  Tensor a = tensor({1}).set_requires_grad(), b = tensor({1}).set_requires_grad();
  Tensor still = tensor({1}).set_requires_grad();
  optim::SGD sgd({{{a}, {.lr = 0.5}}, {{b, still}, {.lr = 0.25}}});
  sum(a + b).backward();
  sgd.step();
  CHECK(a.item() == 0.5);
  CHECK(b.item() == 0.75);
  CHECK(still.item() == 1);
  sgd.set_lr_factor(0.5);
  CHECK(sgd.lr(0) == 0.25);
  CHECK(sgd.lr(1) == 0.125);
  sgd.options(1).lr = 1;
  sgd.step();  // gradients are still there
  CHECK(a.item() == 0.25);
  CHECK(b.item() == 0.25);
  sgd.zero_grad();
  sgd.step();
  CHECK(a.item() == 0.25);
}

TEST_CASE("an optimizer goes on from a saved state as if it had not stopped") {
  Tensor p = tensor({1, -2}, kDouble).set_requires_grad();
  Tensor q = tensor({1, -2}, kDouble).set_requires_grad();
  Tensor never = tensor({1}, kDouble).set_requires_grad();
  optim::AdamW first({p, never}, {.lr = 0.1});
  p.set_gradient(tensor({3, 4}, kDouble));
  first.step();
  q.assign(p);
  optim::AdamW second({q, never}, {.lr = 0.1});
  second.load_state(first.state());
  CHECK(first.state().size() == 3);
  CHECK(first.state()[0].first == "0.step");
  for (int t = 0; t < 2; ++t) {
    p.set_gradient(tensor({-1, 2}, kDouble));
    q.set_gradient(tensor({-1, 2}, kDouble));
    first.step();
    second.step();
  }
  CHECK(p.to_vector<double>() == q.to_vector<double>());

  optim::SGD other({p}, {.lr = 0.1, .momentum = 0.9});
  CHECK_THROWS_AS(other.load_state(first.state()), Error);
  optim::AdamW smaller({never}, {});
  CHECK_THROWS_AS(smaller.load_state(first.state()), Error);
  for (const double steps : {0.0, -1.0, 1.5, std::nan("")}) {
    optim::Optimizer::State state = first.state();
    state[0].second = full({}, steps);
    CHECK_THROWS_AS(second.load_state(state), Error);
  }
}

TEST_CASE("an optimizer's own formula may measure what it has computed") {
  struct Options {
    double lr = 0.5;
    void check() const {}
  };
  struct Normalized : optim::OptimizerWith<Options> {  // p <- p - lr g / ||2 g||
    using OptimizerWith::OptimizerWith;
    std::vector<std::string> moments(const Options&) const override { return {}; }
    Tensor update(const Tensor& p, Tensor g, Moments&, std::int64_t,
                  const Options& o) const override {
      return p - g / norm(g * 2) * o.lr;
    }
  };
  const Tensor p = ones({128, 128}).set_requires_grad();
  Normalized optimizer({p});
  sum(p).backward();
  optimizer.step();  // ||2 g|| = 2 * 128
  CHECK(p.to_vector<double>() == std::vector<double>(128 * 128, 1 - 0.5 / 256));
}

TEST_CASE("optimizers refuse options and parameters that make no sense") {
  Tensor p = tensor({1, 2}).set_requires_grad();
  CHECK_THROWS_AS(optim::SGD({p}, {.lr = -1}), Error);
  CHECK_THROWS_AS(optim::SGD({p}, {.nesterov = true}), Error);
  CHECK_THROWS_AS(optim::AdamW({p}, {.beta2 = 1}), Error);
  CHECK_THROWS_AS(optim::AdamW({p}, {.lr = std::nan("")}), Error);
  CHECK_THROWS_AS(optim::Lion({p}, {.beta1 = 1}), Error);
  CHECK_THROWS_AS(optim::Lamb({p}, {.epsilon = -1}), Error);
  CHECK_THROWS_AS(optim::AdamW({p, p}), Error);
  CHECK_THROWS_AS(optim::AdamW({tensor({1}, {.dtype = DType::i32})}), Error);
}

TEST_CASE("clipping by norm scales all gradients together") {
  // Norm of (3, 4, 12): 13. PyTorch's numbers after clipping to 2: 0.4615, 0.6154, 1.8462.
  Tensor a = tensor({3, 4}, kDouble).set_requires_grad();
  Tensor table = zeros({3, 1}, kDouble).set_requires_grad();
  const auto fill = [&] {
    a.set_gradient(tensor({3, 4}, kDouble));
    // Row 1 twice: 7 + 5. Its norm is that of the sum, 12.
    table.set_gradient(Gradient::row_sparse(tensor({1, 1}, {.dtype = DType::i32}),
                                            reshape(tensor({7, 5}, kDouble), {2, 1}), {3, 1}));
  };
  fill();
  CHECK(optim::clip_grad_norm({a, table}, 2) == doctest::Approx(13));
  check_close(a.grad(), {6.0 / 13, 8.0 / 13}, 1e-6);
  check_close(table.grad(), {0, 24.0 / 13, 0}, 1e-6);
  CHECK(table.gradient().is_sparse());
  fill();
  CHECK(optim::clip_grad_norm({a, table}, 20) == doctest::Approx(13));
  check_close(a.grad(), {3, 4});  // short enough: as it was
  a.set_gradient(tensor({std::nan(""), 4}, kDouble));
  CHECK(std::isnan(optim::clip_grad_norm({a, table}, 2)));
  check_close(table.grad(), {0, 12, 0});

  // A million ones, in several blocks: norm 1000.
  Tensor wide = zeros({1000, 1000}).set_requires_grad();
  wide.set_gradient(ones({1000, 1000}));
  CHECK(optim::clip_grad_norm({wide}, 2) == doctest::Approx(1000));
  CHECK(sum(wide.grad()).item() == doctest::Approx(2000));

  fill();
  optim::clip_grad_value({a, table}, 3.5);
  check_close(a.grad(), {3, 3.5});
  check_close(table.grad(), {0, 3.5, 0});
}

TEST_CASE("gradients whose squares are beyond f32 are clipped; infinity measures alone") {
  Tensor p = zeros({2}).set_requires_grad();
  p.set_gradient(full({2}, 2e19));
  CHECK(std::abs(optim::clip_grad_norm({p}, kInfinity) / 2.8284271e19 - 1) < 1e-6);
  CHECK(p.grad()[0].item() == double{2e19F});
  optim::clip_grad_norm({p}, 1);
  CHECK(std::abs(norm(p.grad()).item() - 1) < 1e-6);
}

TEST_CASE("two spirals are learned by a small network") {
  manual_seed(4);
  std::vector<float> points;
  std::vector<std::int32_t> arms;
  for (int i = 0; i < 200; ++i) {
    const double along = i / 200.0, sign = i % 2 == 0 ? 1 : -1;
    const double angle = along * 1.5 * std::numbers::pi;
    points.push_back(static_cast<float>(sign * (along + 0.1) * std::cos(angle)));
    points.push_back(static_cast<float>(sign * (along + 0.1) * std::sin(angle)));
    arms.push_back(i % 2);
  }
  const Tensor x = from_vector(points, {200, 2}), labels = from_vector(arms, {200});
  nn::Sequential model{nn::Linear(2, 32), nn::Tanh(), nn::Linear(32, 32), relu, nn::Linear(32, 2)};
  optim::AdamW optimizer(model.parameters(), {.lr = 0.02});
  const int steps = 150;
  const optim::Schedule schedule = optim::warmup_cosine(10, steps);
  for (int step = 0; step < steps; ++step) {
    optimizer.zero_grad();
    const Tensor loss = nn::cross_entropy(model(x), labels);
    if (step == 0) CHECK(loss.item() == doctest::Approx(std::log(2)).epsilon(0.3));
    loss.backward();
    optim::clip_grad_norm(model.parameters(), 1);
    optimizer.set_lr_factor(schedule(step));
    optimizer.step();
  }
  const Tensor right = cast(argmax(model(x)) == labels, DType::f32);
  CHECK(mean(right).item() > 0.98);
}
