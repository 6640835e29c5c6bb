#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "gradus.h"

using namespace gradus;

namespace {

struct Block : nn::Module {
  nn::Linear inner;
  Tensor seen = zeros({2});
  Block() : inner(3, 3, {.bias = false}) {}
  Tensor operator()(const Tensor& x) const { return relu(inner(x)); }
  void visit(nn::Visitor& v) override {
    v("inner", inner);
    v.buffer("seen", seen);
  }
};

struct Model : nn::Module {
  nn::Linear first{2, 3};
  nn::ModuleList<Block> blocks{2};
  nn::Linear forgotten{3, 1};
  bool visit_all = true;
  Tensor operator()(const Tensor& x) const {
    Tensor y = first(x);
    for (const Block& block : blocks) y = block(y);
    return forgotten(y);
  }
  void visit(nn::Visitor& v) override {
    v("first", first);
    v("blocks", blocks);
    if (visit_all) v("last", forgotten);
  }
};

std::vector<std::string> names(const nn::NamedTensors& tensors) {
  std::vector<std::string> found;
  for (const auto& [name, x] : tensors) found.push_back(name);
  return found;
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("visit names parameters, buffers and what is saved") {
  const Model model;
  CHECK(names(model.named_parameters()) ==
        std::vector<std::string>{"first.weight", "first.bias", "blocks.0.inner.weight",
                                 "blocks.1.inner.weight", "last.weight", "last.bias"});
  CHECK(names(model.named_buffers()) == std::vector<std::string>{"blocks.0.seen", "blocks.1.seen"});
  CHECK(model.state().size() == 8);
  // 2 * 3 + 3, twice 3 * 3, 3 * 1 + 1
  CHECK(model.parameter_count() == 9 + 18 + 4);
  CHECK(nn::ModuleList<nn::Linear>{nn::Linear(2, 3), nn::Linear(3, 4)}.size() == 2);
  CHECK(nn::ModuleList<nn::Linear>(3, 2, 5)[2].weight.shape() == Shape{5, 2});
}

TEST_CASE("errors begin with the path of the module that was given the wrong input") {
  nn::Sequential model{nn::Linear(2, 3), relu, nn::Linear(128, 10)};
  CHECK(message([&] {
          model(ones({32, 2}));
        }) == "Linear: input has 3 features, expected 128; input [32, 3]");
  model.train();  // walks down, and so tells each module where it is
  CHECK(message([&] {
          model(ones({32, 2}));
        }) == "2 (Linear): input has 3 features, expected 128; input [32, 3]");

  struct Outer : nn::Module {
    nn::Sequential encoder;
    void visit(nn::Visitor& v) override { v("encoder", encoder); }
  } outer;
  outer.encoder = model;
  outer.eval();
  CHECK(message([&] {
          outer.encoder(ones({32, 2}));
        }) == "encoder.2 (Linear): input has 3 features, expected 128; input [32, 3]");
  outer.encoder.parameters();  // a walk from further down does not shorten paths
  CHECK(message([&] { outer.encoder(ones({32, 2})); }).starts_with("encoder.2 (Linear)"));

  nn::Embedding embed(5, 2);
  const Tensor tokens = tensor({7}, {.dtype = DType::i32});
  CHECK_THROWS_AS(embed(tokens), IndexError);
  CHECK(message([&] { embed(tokens); }).starts_with("Embedding: [gather]"));
}

TEST_CASE("an error of a class of one's own comes through modules as it is") {
  struct Stop : Error {
    explicit Stop(int at) : Error("[stop] far enough"), layer(at) {}
    int layer;
  };
  struct Wider : ShapeError {
    using ShapeError::ShapeError;
  };
  const nn::Sequential stops{[](const Tensor&) -> Tensor { throw Stop(7); }};
  const nn::Sequential outer{stops, relu};
  int layer = 0;
  try {
    outer(ones({1}));
  } catch (const Stop& stop) {
    layer = stop.layer;
  }
  CHECK(layer == 7);
  const nn::Sequential widens{[](const Tensor&) -> Tensor { throw Wider("[wide] 1"); }};
  CHECK_THROWS_AS(widens(ones({1})), Wider);
  const nn::Sequential refuses{[](const Tensor&) -> Tensor { throw IoError("[read] 1"); }};
  CHECK_THROWS_WITH_AS(refuses(ones({1})), "Sequential: [read] 1", IoError);
}

TEST_CASE("train and eval reach every module") {
  nn::Sequential model{nn::Linear(2, 2), nn::Sequential{nn::Dropout(0.5), relu}};
  model.eval();
  CHECK(!model.training());
  CHECK(!model.at<nn::Sequential>(1).at<nn::Dropout>(0).training());
  model.train();
  CHECK(model.at<nn::Sequential>(1).at<nn::Dropout>(0).training());
}

TEST_CASE("copies share parameters, clones do not") {
  nn::Sequential model{nn::Linear(2, 1)};
  nn::Sequential shared = model;
  nn::Sequential own = nn::clone(model);
  const std::vector<double> before = own.parameters()[0].to_vector<double>();
  CHECK(before == model.parameters()[0].to_vector<double>());
  nn::init::constant(model.parameters()[0], 7);
  CHECK(shared.at<nn::Linear>(0).weight.to_vector<double>() == std::vector<double>{7, 7});
  CHECK(own.parameters()[0].to_vector<double>() == before);

  sum(model(ones({1, 2}))).backward();
  CHECK(shared.parameters()[0].grad().defined());
  CHECK(!own.parameters()[0].grad().defined());
  model.zero_grad();
  CHECK(!shared.parameters()[0].grad().defined());
}

TEST_CASE("tied parameters count once and stay tied") {
  struct Tied : nn::Module {
    nn::Linear a{4, 4, {.bias = false}}, b{4, 4, {.bias = false}};
    Tied() { b.weight = a.weight; }
    void visit(nn::Visitor& v) override { v("a", a), v("b", b); }
  } model;
  CHECK(model.parameters().size() == 1);
  CHECK(names(model.state()) == std::vector<std::string>{"a.weight", "b.weight"});
  model.to({.dtype = DType::f64});
  CHECK(model.parameters().size() == 1);
  CHECK(model.a.weight.dtype() == DType::f64);
  CHECK(model.b.weight.requires_grad());
  model.set_requires_grad(false);
  model.set_requires_grad(true);
  sum(model.a.weight * 2 + model.b.weight * 3).backward();
  CHECK(model.parameters()[0].grad().to_vector<double>() == std::vector<double>(16, 5));
}

TEST_CASE("a model moves to another backend as it is, and changes its dtype where it is") {
  nn::Linear model(2, 1);
  model.to({.dtype = DType::f64});
  model.to({.backend = &backend("reference")});
  CHECK(describe(model.weight) == "f64 [1, 2] on reference");
  model.to({.dtype = DType::f32});
  CHECK(describe(model.weight) == "f32 [1, 2] on reference");
}

TEST_CASE("frozen modules get no gradients") {
  nn::Sequential model{nn::Linear(2, 2), nn::Linear(2, 1)};
  model.at<nn::Linear>(0).set_requires_grad(false);
  sum(model(ones({1, 2}))).backward();
  CHECK(!model.at<nn::Linear>(0).weight.grad().defined());
  CHECK(model.at<nn::Linear>(1).weight.grad().defined());
  CHECK(model.parameters().size() == 4);
}

TEST_CASE("frozen modules stay as they are, say so, and learn again once thawed") {
  nn::Sequential model{nn::Linear(2, 2), nn::Linear(2, 1)};
  const auto weight = [&](std::size_t i) {
    return model.at<nn::Linear>(i).weight.to_vector<double>();
  };
  const auto train = [&] {
    optim::SGD optimizer(model.parameters(), {.lr = 0.1});
    sum(model(ones({1, 2}))).backward();
    optimizer.step();
  };
  model.at<nn::Linear>(0).set_requires_grad(false);
  CHECK(to_string(model).find("weight [2, 2] (frozen), bias [2] (frozen)") != std::string::npos);
  CHECK(to_string(model).find("bias [1]\n") != std::string::npos);
  CHECK(model.parameter_count() == 9);
  const std::vector<double> first = weight(0), second = weight(1);
  train();
  CHECK(weight(0) == first);
  CHECK(weight(1) != second);
  model.set_requires_grad(true);
  train();
  CHECK(weight(0) != first);
}

TEST_CASE(
    "who was handed a parameter before it was frozen follows, and so does who got it frozen") {
  nn::Linear layer(2, 1);
  const nn::Linear copy = layer;
  optim::SGD before(layer.parameters(), {.lr = 0.1});
  for (Tensor& p : layer.parameters()) p.set_requires_grad(false);
  CHECK(!copy.weight.requires_grad());
  optim::SGD during(layer.parameters(), {.lr = 0.1});
  layer.set_requires_grad(true);
  for (optim::SGD* optimizer : {&before, &during}) {
    const std::vector<double> old = layer.weight.to_vector<double>();
    sum(copy(ones({1, 2}))).backward();
    optimizer->step();
    CHECK(layer.weight.to_vector<double>() != old);
    optimizer->zero_grad();
    CHECK(!copy.weight.grad().defined());
  }
  // Frozen between the forward pass and the walk: no gradient arrives.
  const Tensor y = sum(layer(ones({1, 2})));
  layer.set_requires_grad(false);
  y.backward();
  CHECK(!layer.weight.grad().defined());
}

TEST_CASE("parameters that visit() forgets are found in the graph of the loss") {
  Model model;
  const Tensor loss = sum(model(ones({1, 2})));
  CHECK(nn::missing_parameters(loss, model).empty());
  CHECK_NOTHROW(nn::check_parameters(loss, model));
  model.visit_all = false;
  CHECK(nn::missing_parameters(loss, model).size() == 2);
  CHECK(message([&] { nn::check_parameters(loss, model); }).find("2 parameters") !=
        std::string::npos);
  CHECK(message([&] { nn::check_parameters(loss, model); }).starts_with("Model: "));
}

TEST_CASE("a model prints as a tree with shapes and counts") {
  const nn::Sequential model{nn::Linear(784, 128), relu, nn::Linear(128, 10, {.bias = false})};
  CHECK(to_string(model) ==
        "Sequential                     101,760\n"
        "  0: Linear(784 -> 128)        100,480   weight [128, 784], bias [128]\n"
        "  2: Linear(128 -> 10)           1,280   weight [10, 128]\n");
}

TEST_CASE("a model's print counts tied parameters once") {
  nn::Sequential model{nn::Linear(2, 2), nn::Linear(2, 2)};
  model.at<nn::Linear>(1).weight = model.at<nn::Linear>(0).weight;
  CHECK(model.parameter_count() == 8);
  CHECK(to_string(model) ==
        "Sequential                       8\n"
        "  0: Linear(2 -> 2)              6   weight [2, 2], bias [2]\n"
        "  1: Linear(2 -> 2)              2   weight [2, 2] (tied), bias [2]\n");
}

TEST_CASE("Sequential takes modules, functions and lambdas") {
  nn::Sequential model{nn::Linear(1, 1, {.bias = false})};
  model.add(relu).add([](const Tensor& x) { return x + 1; });
  nn::init::constant(model.at<nn::Linear>(0).weight, -2);
  // relu(-2 * -3) + 1
  CHECK(model(full({1, 1}, -3)).item() == 7);
  CHECK(model.size() == 3);
  CHECK_THROWS_AS(model.at<nn::Linear>(1), IndexError);
  CHECK_THROWS_AS(model.at<nn::Linear>(9), IndexError);
}

namespace {
struct LongName : nn::Module {
  nn::Sequential a_part_with_a_name_too_long_for_a_small_string{nn::Linear(2, 3), nn::Linear(3, 2)};
  void visit(nn::Visitor& v) override {
    v("a_part_with_a_name_too_long_for_a_small_string",
      a_part_with_a_name_too_long_for_a_small_string);
  }
};
}  // namespace

TEST_CASE("threads may walk down a model and its parts at the same time") {
  const LongName model;
  std::vector<std::thread> threads;
  std::atomic<std::int64_t> count = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const nn::Module& part = model.a_part_with_a_name_too_long_for_a_small_string;
      for (int i = 0; i < 500; ++i)
        count += (t % 2 == 0 ? static_cast<const nn::Module&>(model) : part).parameter_count();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(count == 4 * 500 * 17);
}

TEST_CASE("a model may be copied while another thread walks down it") {
  const LongName model;
  std::atomic<bool> done = false;
  std::thread walker([&] {
    while (!done) model.parameters();
  });
  bool whole = true;
  for (int i = 0; i < 500; ++i) {
    const LongName copy = i % 2 == 0 ? model : nn::clone(model);
    const nn::Sequential& part = copy.a_part_with_a_name_too_long_for_a_small_string;
    const std::string text = message([&] { part(ones({1, 9})); });
    whole = whole && (text.starts_with("Linear: input") ||
                      text.starts_with("a_part_with_a_name_too_long_for_a_small_string.0 (Lin"));
  }
  done = true;
  walker.join();
  CHECK(whole);
}
