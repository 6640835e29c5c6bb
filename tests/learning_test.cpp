// Layers at work: each learns a small task that it could not learn with a wrong forward pass, gradient
// or state, down to a stated loss on examples that it was not trained on.
#include <doctest/doctest.h>

#include <cmath>

#include "gradus.h"

using namespace gradus;

namespace {

using Numbers = std::vector<std::int32_t>;

// Whole numbers in [0, below), one after another from the seed's streams.
Numbers draw(std::int64_t count, int below) {
  return cast(uniform({count}, 0, below), DType::i32).to_vector<std::int32_t>();
}

Tensor whole(const Numbers& numbers) {
  return from_vector(numbers, {static_cast<std::int64_t>(numbers.size())});
}

// `steps` steps on batches of task(), then the loss on a new one, in evaluation.
template <class Model, class Loss>
double trained(Model& model, int steps, double lr, Loss loss_on_new_batch) {
  optim::AdamW optimizer(model.parameters(), {.lr = lr});
  for (int step = 0; step < steps; ++step) {
    const Tensor loss = loss_on_new_batch(model);
    if (step == 0) nn::check_parameters(loss, model);
    optimizer.zero_grad();
    loss.backward();
    optim::clip_grad_norm(model.parameters(), 1);
    optimizer.step();
  }
  model.eval();
  const NoGrad off;
  return loss_on_new_batch(model).item();
}

// Ragged texts of tokens.
struct Texts {
  Numbers tokens, offsets{0};
  void end() { offsets.push_back(static_cast<std::int32_t>(tokens.size())); }
};

}  // namespace

TEST_CASE("an LSTM and a GRU remember the first word to the end of the text") {
  constexpr int kWords = 4;
  const auto loss = [](auto& model) {
    Texts texts;
    Numbers first;
    for (const std::int32_t extra : draw(32, 8)) {
      const Numbers words = draw(3 + extra, kWords);
      texts.tokens.insert(texts.tokens.end(), words.begin(), words.end());
      texts.end();
      first.push_back(words[0]);
    }
    const auto kept = model.read(model.embed(whole(texts.tokens)), Segments(texts.offsets));
    return nn::cross_entropy(model.head(select(kept.h, 0, 0)), whole(first));
  };
  const auto check = [&](auto layer) {
    struct Reader : nn::Module {
      nn::Embedding embed{kWords, 8};
      decltype(layer) read{8, 24};
      nn::Linear head{24, kWords};
      void visit(nn::Visitor& v) override { v("embed", embed), v("read", read), v("head", head); }
    } model;
    CHECK(trained(model, 200, 0.02, loss) < 0.05);  // a guess: log 4 = 1.39
  };
  manual_seed(1);
  check(nn::LSTM(1, 1));
  check(nn::GRU(1, 1));
}

TEST_CASE("a convolution tells horizontal from vertical lines wherever they are") {
  manual_seed(2);
  struct Lines : nn::Module {
    nn::Conv2d conv{1, 6, 3, {.padding = 1}};
    nn::MaxPool2d pool{4};
    nn::Linear head{24, 2};
    Tensor operator()(const Tensor& x) const { return head(flatten(pool(relu(conv(x))), 1)); }
    void visit(nn::Visitor& v) override { v("conv", conv), v("pool", pool), v("head", head); }
  } model;
  const auto loss = [](Lines& lines) {
    constexpr std::int64_t kBatch = 32;
    const Numbers kind = draw(kBatch, 2), at = draw(kBatch, 8);
    const Tensor across = one_hot(whole(at), 8);  // [batch, 8]
    const Tensor vertical = reshape(across, {kBatch, 1, 1, 8}),
                 flat = reshape(across, {kBatch, 1, 8, 1});
    const Tensor image = where(reshape(whole(kind), {kBatch, 1, 1, 1}) == 0, vertical, flat);
    return nn::cross_entropy(lines(image + normal({kBatch, 1, 8, 8}, 0, 0.3)), whole(kind));
  };
  CHECK(trained(model, 150, 0.02, loss) < 0.05);  // a guess: log 2 = 0.69
}

TEST_CASE("an encoder and a decoder turn texts around") {
  manual_seed(3);
  static constexpr int kWords = 6, kBegin = kWords, kEnd = kWords + 1;
  struct Reverser : nn::Module {
    nn::Embedding embed{kWords + 2, 32, {.deviation = 0.3}};
    nn::LearnedPositions places{8, 32, 0.3};
    nn::TransformerEncoderLayer encode{32, 4, {.hidden = 64, .dropout = 0}};
    nn::TransformerDecoderLayer decode{32, 4, {.hidden = 64, .dropout = 0}};
    nn::Linear head{32, kWords + 2};
    // What comes after each row of `so_far`, if that is how `given` turned around begins.
    Tensor operator()(const Texts& given, const Texts& so_far) const {
      const Segments in(given.offsets), out(so_far.offsets);
      const Tensor memory = encode(embed(whole(given.tokens)) + places(in), in);
      return head(decode(embed(whole(so_far.tokens)) + places(out), out, memory, in));
    }
    void visit(nn::Visitor& v) override {
      v("embed", embed), v("places", places), v("encode", encode), v("decode", decode);
      v("head", head);
    }
  } model;
  const auto loss = [](Reverser& reverse) {
    Texts given, shown;
    Numbers wanted;
    for (const std::int32_t extra : draw(32, 4)) {
      const Numbers words = draw(2 + extra, kWords);
      given.tokens.insert(given.tokens.end(), words.begin(), words.end());
      given.end();
      shown.tokens.push_back(kBegin);
      shown.tokens.insert(shown.tokens.end(), words.rbegin(), words.rend());
      shown.end();
      wanted.insert(wanted.end(), words.rbegin(), words.rend());
      wanted.push_back(kEnd);
    }
    return nn::cross_entropy(reverse(given, shown), whole(wanted));
  };
  CHECK(trained(model, 400, 0.004, loss) < 0.1);  // a guess: log 7 = 1.9

  // Now it writes by itself.
  Texts given{.tokens = {4, 0, 5, 1}};
  given.end();
  Numbers written{kBegin};
  while (written.back() != kEnd && written.size() < 8) {
    const Texts so_far{written, {0, static_cast<std::int32_t>(written.size())}};
    written.push_back(static_cast<std::int32_t>(
        argmax(slice(model(given, so_far), 0, -1)).to_vector<float>()[0]));
  }
  CHECK(written == Numbers{kBegin, 1, 5, 0, 4, kEnd});
}

TEST_CASE("batch normalisation learns from features of any scale, and evaluates one by one") {
  manual_seed(4);
  struct Net : nn::Module {
    nn::BatchNorm1d scale{2};
    nn::Linear in{2, 16};
    nn::BatchNorm1d norm{16};
    nn::Linear out{16, 2};
    Tensor operator()(const Tensor& x) const { return out(relu(norm(in(scale(x))))); }
    void visit(nn::Visitor& v) override {
      v("scale", scale), v("in", in), v("norm", norm), v("out", out);
    }
  } model;
  // Exclusive or of the signs, the features about 1000 and -3, their spreads 500 and 0.01.
  const auto loss = [](Net& net) {
    const Tensor x = normal({128, 2});
    const Tensor same = select(x, 1, 0) * select(x, 1, 1) > 0;
    return nn::cross_entropy(net(x * tensor({500, 0.01}) + tensor({1000, -3})),
                             cast(same, DType::i32));
  };
  CHECK(trained(model, 600, 0.02, loss) < 0.15);  // a guess: log 2 = 0.69
  const Tensor one = tensor({{1700, -2.99}});
  const Tensor both = concat({one, tensor({{300, -2.98}})}, 0);
  CHECK(argmax(model(one)).to_vector<float>()[0] == 1);  // in evaluation others do not matter
  CHECK(max(abs(slice(model(both), 0, 0, 1) - model(one))).item() < 1e-5);
}
