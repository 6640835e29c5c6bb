// nn::Watch and nn::summary.

#include <doctest/doctest.h>

#include <algorithm>

#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

// Of one's own: seen because it computes within located().
struct Doubled : nn::Module {
  nn::Linear inner{3, 3};
  Tensor operator()(const Tensor& x) const {
    return located([&] { return inner(x) * 2; });
  }
  void visit(nn::Visitor& v) override { v("inner", inner); }
};

using Names = std::vector<std::string>;

// The names of what `run` puts out, in order.
Names seen_in(const nn::Module& model, const std::function<void()>& run) {
  Names names;
  const nn::Watch watch(model, [&](const std::string& name, const Tensor& y) {
    names.push_back(name);
    return y;
  });
  run();
  return names;
}

}  // namespace

TEST_CASE("outputs are seen with names, the inner ones first, once each, while the watch lives") {
  nn::Sequential model{nn::Linear(2, 3), nn::Tanh(), Doubled()};
  const Tensor x = ones({4, 2});
  CHECK(seen_in(model, [&] { model(x); }) == Names{"0", "1", "2.inner", "2", ""});
  CHECK(seen_in(model.at<Doubled>(2), [&] { model(x); }) == Names{"inner", ""});
  Names seen;
  {
    const nn::Watch watch(model, [&](const std::string& name, const Tensor& y) {
      seen.push_back(name);
      return y;
    });
  }
  model(x);
  CHECK(seen.empty());
}

TEST_CASE("every layer of nn/ is seen, in each of its forms") {
  const Segments texts({0, 2, 3});
  const Tensor packed = ones({3, 4}), padded = ones({2, 3, 4}), images = ones({2, 3, 4, 4});
  const auto once = [](const nn::Module& layer, const std::function<void()>& run) {
    const Names names = seen_in(layer, run);
    return std::count(names.begin(), names.end(), "") == 1 && names.back().empty();
  };
  const auto on_x = [&](const auto& layer, const Tensor& x) {
    return once(layer, [&] { layer(x); });
  };
  CHECK(on_x(nn::Linear(4, 2), packed));
  CHECK(on_x(nn::ReLU(), packed));
  CHECK(on_x(nn::GELU(), packed));
  CHECK(on_x(nn::Tanh(), packed));
  CHECK(on_x(nn::Sigmoid(), packed));
  CHECK(on_x(nn::Softmax(), packed));
  CHECK(on_x(nn::Dropout(), packed));
  CHECK(on_x(nn::LayerNorm(4), packed));
  CHECK(on_x(nn::BatchNorm1d(4), packed));
  CHECK(on_x(nn::BatchNorm2d(3), images));
  CHECK(on_x(nn::Embedding(5, 2), zeros({3}, {DType::i32})));
  CHECK(on_x(nn::Conv1d(3, 2, 2), padded));
  CHECK(on_x(nn::MaxPool1d(2), padded));
  CHECK(on_x(nn::AvgPool1d(2), padded));
  CHECK(on_x(nn::Conv2d(3, 2, 2), images));
  CHECK(on_x(nn::MaxPool2d(2), images));
  CHECK(on_x(nn::AvgPool2d(2), images));
  const nn::LearnedPositions places(5, 4);
  CHECK(once(places, [&] { places(3); }));
  const nn::LSTM lstm(4, 2);
  CHECK(once(lstm, [&] { lstm(packed, texts); }));
  const nn::Attention pool(4);
  CHECK(once(pool, [&] { pool(packed, texts); }));
  const nn::MultiheadAttention attend(4, 2);
  CHECK(on_x(attend, padded));
  CHECK(once(attend, [&] { attend(packed, texts); }));
  CHECK(once(attend, [&] { attend(packed, texts, packed, texts); }));
  CHECK(seen_in(attend, [&] { attend.weights(padded, padded); }).empty());
  const nn::TransformerEncoderLayer encoder(4, 2);
  CHECK(on_x(encoder, padded));
  CHECK(once(encoder, [&] { encoder(packed, texts); }));
  const nn::TransformerDecoderLayer decoder(4, 2);
  CHECK(once(decoder, [&] { decoder(padded, padded); }));
  CHECK(once(decoder, [&] { decoder(packed, texts, packed, texts); }));
}

TEST_CASE("what the function returns goes on in the output's place") {
  nn::Sequential model{nn::Linear(2, 3), nn::Linear(3, 1)};
  const Tensor x = ones({1, 2});
  const auto without = [](const std::string& name, const Tensor& y) {
    return name == "0" ? y * 0 : y;
  };
  double gradient = 0;
  {
    const nn::Watch ablation(model, without);
    CHECK(model(x).item() == model.at<nn::Linear>(1).bias.item());  // nothing else is left
  }
  {
    // y = w h + b, so dy/dh = w: that of the first number is looked at.
    const nn::Watch watch(model, [&](const std::string& name, const Tensor& y) {
      if (name != "0") return y;
      return on_gradient(y, [&](const Tensor& g) {
        gradient = select(flatten(g), 0, 0).item();
        return g;
      });
    });
    model(x).backward();
  }
  CHECK(gradient == select(flatten(model.at<nn::Linear>(1).weight), 0, 0).item());
  const nn::Watch wrong(model, [](const std::string&, const Tensor&) { return ones({5}); });
  REFUSES(
      ShapeError, model(x),
      "0 (Linear): [watch] the function was given an output [1, 3] and returned f32 [5] on cpu; "
      "both must have one shape");
}

TEST_CASE("of two watches the inner one sees an output first") {
  const nn::Sequential model{nn::ReLU()};
  std::string order;
  const auto append = [&](char c) {
    return [&order, c](const std::string& name, const Tensor& y) {
      if (name == "0") order += c;
      return y + 1;
    };
  };
  const nn::Watch outer(model, append('b')), inner(model, append('a'));
  CHECK(model(ones({1})).item() == 1 + 2 * 2);  // of step 0 and of the whole, two each
  CHECK(order == "ab");
}

TEST_CASE("a summary shows the shapes of a run") {
  const nn::Sequential model{nn::Linear(784, 128), nn::ReLU(), nn::Linear(128, 10)};
  bool recorded = true;
  CHECK(nn::summary(model,
                    [&] {
                      recorded = model(ones({32, 784})).requires_grad();
                    }) ==
        "Sequential                     101,770   -> [32, 10]\n"
        "  0: Linear(784 -> 128)        100,480   -> [32, 128]   weight [128, 784], bias [128]\n"
        "  1: ReLU                                -> [32, 128]\n"
        "  2: Linear(128 -> 10)           1,290   -> [32, 10]    weight [10, 128], bias [10]\n");
  CHECK(!recorded);
}
