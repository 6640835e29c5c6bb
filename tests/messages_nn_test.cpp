// Every error message of layers, losses, files and optimizers (tests/messages_test.cpp).

#include <doctest/doctest.h>

#include <filesystem>

#include "gradus.h"
#include "tests/temporary_folder.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

Tensor whole(std::initializer_list<std::int32_t> values) {
  return from_vector(std::vector<std::int32_t>(values), {std::ssize(values)});
}

struct Forgetful : nn::Module {
  nn::Linear known{3, 2}, forgotten{2, 1};
  Tensor operator()(const Tensor& x) const { return forgotten(known(x)); }
  void visit(nn::Visitor& v) override { v("known", known); }
};

}  // namespace

TEST_CASE("messages of layers") {
  const Tensor x = ones({2, 3});
  REFUSES(ShapeError, nn::Linear(0, 3), "[Linear] sizes must be at least 1, got [0, 3]");
  REFUSES(ShapeError, nn::MultiheadAttention(6, 4),
          "[MultiheadAttention] 6 features cannot be split evenly over 4 heads");
  REFUSES(ShapeError, nn::Linear(4, 2)(x),
          "Linear: input has 3 features, expected 4; input [2, 3]");
  REFUSES(Error, nn::Dropout(1), "[Dropout] the probability 1 is not in [0, 1)");
  REFUSES(ShapeError, nn::LayerNorm(4)(x),
          "LayerNorm: input has 3 features, expected 4; input [2, 3]");
  REFUSES(ShapeError, nn::BatchNorm1d(4)(x),
          "BatchNorm1d: input [2, 3] must have 4 channels at axis 1 of 2 or 3 axes");
  REFUSES(ShapeError, nn::BatchNorm1d(3)(ones({1, 3})),
          "BatchNorm1d: [batch_norm] in training each channel needs two numbers, got [1, 3]");
  REFUSES(ShapeError, nn::rotary(x, ones({2, 4})),
          "[rotary] x [2, 3] and positions [2, 4] must have the same even number of columns");
  REFUSES(IndexError, nn::Embedding(5, 2)(whole({5})),
          "Embedding: [gather] row 5 (number 0 of rows [1]) is outside a table of 5 rows");
  REFUSES(IndexError, nn::LearnedPositions(4, 2)(5),
          "LearnedPositions: a text of 5 rows is longer than the limit, 4");
  REFUSES(IndexError, nn::LearnedPositions(4, 2)(Segments({0, 2, 8})),
          "LearnedPositions: a text of 6 rows is longer than the limit, 4");
  REFUSES(ShapeError, nn::MultiheadAttention(4, 2)(ones({2, 3, 4}), {.keys = ones({3, 2}) > 0}),
          "MultiheadAttention: the mask of keys [3, 2] must be [batch, keys] of [2, 3, 4]");
  REFUSES(
      ShapeError, nn::init::xavier_uniform(ones({3})),
      "[init] a weight needs at least two axes, [out, in, ...], got [3]; use uniform or normal");
  nn::Sequential steps{nn::Linear(3, 2), relu};
  REFUSES(IndexError, steps.at<nn::LayerNorm>(0),
          "Sequential: step 0 of 2 is not of the type asked for, or is not there");
  nn::Sequential model{nn::Linear(3, 2), nn::Sequential{nn::Linear(4, 1)}};
  model.eval();
  REFUSES(ShapeError, model(x), "1.0 (Linear): input has 2 features, expected 4; input [2, 2]");
  const Forgetful forgetful;
  REFUSES(Error, nn::check_parameters(sum(forgetful(x)), forgetful),
          "Forgetful: the loss depends on 2 parameters that visit() does not name: [1], [1, 2]; "
          "name the module that owns them there");
}

TEST_CASE("messages of sizes and options, as the user wrote them") {
  REFUSES(ShapeError, nn::Linear(-1, 1), "[Linear] sizes must be at least 1, got [-1, 1]");
  REFUSES(ShapeError, nn::Conv2d(1, 1, -3),
          "[Conv2d] sizes must be at least 1, got [1, 1, -3, -3, 1, 1]");
  REFUSES(ShapeError, nn::Conv2d(1, 1, 3, {.padding = {-1, 0}}),
          "[Conv2d] the padding -1 x 0 must be at least 0");
  REFUSES(ShapeError, nn::Conv1d(1, 1, 3, {.padding = -1}),
          "[Conv1d] the padding -1 must be at least 0");
  REFUSES(ShapeError, nn::MultiheadAttention(0, 0),
          "[MultiheadAttention] sizes must be at least 1, got [0, 0]");
  REFUSES(ShapeError, nn::Attention(4, {.size = 5, .heads = 2}),
          "[Attention] 5 features cannot be split evenly over 2 heads");
  REFUSES(ShapeError, nn::LSTM(1, std::int64_t{1} << 61),
          "[LSTM] 4 parts of size 2305843009213693952 do not fit 64 bits");
  REFUSES(Error, nn::LayerNorm(2, {.epsilon = -1}),
          "[LayerNorm] epsilon is -1; it must be at least 0 and below inf");
  REFUSES(Error, nn::BatchNorm1d(2, {.epsilon = -1}),
          "[BatchNorm1d] epsilon is -1; it must be at least 0 and below inf");
  REFUSES(Error, nn::BatchNorm2d(2, {.momentum = 1.5}),
          "[BatchNorm2d] momentum is 1.5; it must be in [0, 1]");
  CHECK_NOTHROW(nn::BatchNorm2d(2, {.momentum = 1}));  // the running ones are the last batch's
  REFUSES(Error, nn::Embedding(2, 2, {.deviation = -1}),
          "[Embedding] deviation is -1; it must be at least 0 and below inf");
  CHECK_THROWS_AS(nn::LearnedPositions(2, 2, -1), Error);
  REFUSES(Error, nn::MultiheadAttention(4, 2, {.dropout = 1}),
          "[MultiheadAttention] dropout is 1; it must be at least 0 and below 1");
  CHECK_THROWS_AS(nn::GRU(2, 2, {.dropout = -0.5}), Error);
  CHECK_THROWS_AS(nn::TransformerEncoderLayer(4, 2, {.dropout = 2}), Error);
  CHECK_THROWS_AS(nn::TransformerDecoderLayer(4, 2, {.dropout = 2}), Error);
}

TEST_CASE("messages of layers over texts") {
  const Segments texts({0, 1, 2});
  const Tensor x = ones({2, 4}), deep = ones({1, 2, 4});
  REFUSES(ShapeError, nn::Attention(4)(deep, texts),
          "Attention: input [1, 2, 4] must be [rows, features], packed");
  const nn::MultiheadAttention attend(4, 2);
  REFUSES(ShapeError, attend(ones({1, 2, 3})),
          "MultiheadAttention: input has 3 features, expected 4; input [1, 2, 3]");
  REFUSES(ShapeError, attend(x),
          "MultiheadAttention: input [2, 4] must be [batch, time, features]; a packed batch needs "
          "its segments");
  REFUSES(ShapeError, attend(deep, texts),
          "MultiheadAttention: input [1, 2, 4] must be [rows, features], packed");
  REFUSES(ShapeError, attend(deep, {.mask = ones({2}) > 0}),
          "MultiheadAttention: a mask is [queries, keys], [batch, queries, keys] or [batch, heads, "
          "queries, keys], got [2]");
  REFUSES(ShapeError, attend(deep, {.keys = ones({2}) > 0}),
          "MultiheadAttention: the mask of keys must be [batch, keys], got [2]");
  REFUSES(ShapeError, attend(x, texts, x, Segments({0, 2})),
          "MultiheadAttention: queries [2, 4] of 2 texts and memory [2, 4] of 1 texts must be "
          "[rows, features], packed, with the same number of texts");
  const nn::GRU gru(4, 3);
  REFUSES(ShapeError, gru(ones({2, 3}), texts),
          "GRU: input [2, 3] must be [rows, features] = [2, 4], packed");
  REFUSES(ShapeError, gru(x, texts, ones({1, 1, 3})),
          "GRU: a state is [layers * directions, texts, hidden] = [1, 2, 3], got [1, 1, 3]");
  const Tensor state = ones({1, 2, 3});
  REFUSES(ShapeError, gru(x, texts, state, state),
          "GRU: there is no cell state here, but c [1, 2, 3] was given");
}

TEST_CASE("messages of losses") {
  const Tensor x = ones({2, 3}), labels = whole({0, 1});
  REFUSES(ShapeError, nn::mse_loss(ones({2, 1}), ones({2})),
          "[mse_loss] shapes differ: prediction [2, 1], target [2]; losses do not broadcast: use "
          "reshape()");
  REFUSES(ShapeError, nn::l1_loss(ones({0}), ones({0})),
          "[l1_loss] the mean over an empty batch is not defined: prediction [0]");
  REFUSES(ShapeError, nn::cross_entropy(x, whole({0})),
          "[cross_entropy] logits [2, 3] must be [n, classes] and labels [1] [n], n at least 1");
  REFUSES(ShapeError, nn::cross_entropy(ones({2, 3, 4}), whole({0, 1})),
          "[cross_entropy] logits [2, 3, 4] must be [n, classes] and labels [2] [n], n at least 1; "
          "flatten() the axes before the classes");
  REFUSES(Error, nn::cross_entropy(x, whole({-1, -1}), {.ignore_index = -1}),
          "[cross_entropy] each of 2 labels is -1, which ignore_index leaves out");
  REFUSES(DTypeError, nn::bce_with_logits(ones({2}), labels),
          "[bce_with_logits] a is f32 [2] on cpu, b is i32 [2] on cpu: both must have one dtype; "
          "use cast()");
  REFUSES(ShapeError, nn::cross_entropy(ones({2, 3, 4}), ones({2, 3, 4})),
          "[cross_entropy] logits and probabilities [2, 3, 4] must be [n, classes]");
  REFUSES(DTypeError, nn::cross_entropy(x, ones({2})),
          "[cross_entropy] labels f32 [2] on cpu must be class numbers, i32: "
          "cast(labels, DType::i32); probabilities are [n, classes]");
  REFUSES(IndexError, nn::nll_loss(x, whole({0, 3})),
          "[nll_loss] index 3 (number 1) is outside [0, 3)");
  REFUSES(IndexError, nn::multi_margin_loss(x, whole({-1, 0})),
          "[multi_margin_loss] index -1 (number 0) is outside [0, 3)");
  REFUSES(ShapeError, nn::cross_entropy(x, labels, {.weight = ones({2})}),
          "[cross_entropy] weight [2] must be [classes] for logits [2, 3]");
  REFUSES(Error, nn::cross_entropy(x, labels, {.label_smoothing = 1}),
          "[cross_entropy] label smoothing 1 is not in [0, 1)");
  REFUSES(Error, nn::multi_margin_loss(x, labels, 0),
          "[multi_margin_loss] the margin 0 must be above 0");
  REFUSES(Error, nn::smooth_l1_loss(x, x, 0),
          "[smooth_l1_loss] beta 0 must be above 0; use l1_loss()");
}

TEST_CASE("messages of optimizers") {
  Tensor p = ones({2, 3}).set_requires_grad();
  REFUSES(Error, optim::SGD({whole({1})}),
          "[optimizer] parameters must be f32 or f64, got i32 [1] on cpu");
  REFUSES(Error, optim::SGD(std::vector<Tensor>{}),
          "[optimizer] there is no parameter to learn: parameters() finds what a module's visit() "
          "names");
  optim::WeightAverage average({p});
  REFUSES(Error, average.load_state({}), "[load_state] updates should be [], found nothing");
  REFUSES(Error, average.load_state({{"updates", tensor(-1)}, {"0", p}}),
          "[load_state] updates is -1: a count must be a whole number of at least 0");
  REFUSES(Error, average.load_state({{"updates", tensor(1)}, {"0", ones({3})}}),
          "[load_state] 0 should be [2, 3], found f32 [3] on cpu");
  REFUSES(Error, optim::SGD({p, p}), "[optimizer] parameter f32 [2, 3] on cpu is there twice");
  REFUSES(
      ShapeError, optim::SGD({optim::Group<optim::SGDOptions>{{p}, {}, ones({3})}}),
      "[optimizer] row_scale f32 [3] on cpu must have a number for each row of f32 [2, 3] on cpu");
  REFUSES(Error, optim::SGD({p}, {.lr = -1}),
          "[SGD] lr is -1; it must be at least 0 and below inf");
  REFUSES(Error, optim::SGD({p}, {.nesterov = true}),
          "[SGD] Nesterov's momentum needs a momentum above 0");
  optim::SGD plain({p});
  REFUSES(Error, plain.load_state({{"0.step", ones({2})}}),
          "[load_state] 0.step should be [], found f32 [2] on cpu");
  REFUSES(Error, plain.load_state({{"1.step", ones({})}}),
          "[load_state] there is no 1.step in this optimizer");
  REFUSES(Error, plain.load_state({{"0.step", ones({})}, {"0.step", ones({})}}),
          "[load_state] 0.step is there twice");
  REFUSES(Error, plain.load_state({{"0.step", zeros({})}}),
          "[load_state] 0.step is 0: a count must be a whole number of at least 1");
  REFUSES(GradError, optim::SGD({ones({2}).set_requires_grad() * 2}),
          "[optimizer] parameter f32 [2] on cpu was computed by 'mul', but a step can only change "
          "leaves; write parameters with assign() or nn::init, as x *= 2 makes a new tensor");
  REFUSES(Error, optim::SGD({expand(ones({}), {2})}),
          "[optimizer] elements of parameter f32 [2] on cpu share memory, as expand() makes them; "
          "give what was expanded, or its copy");
  Tensor q = ones({2}).set_requires_grad();
  q.set_gradient(ones({2}));
  optim::RMSprop rmsprop({q}, {.momentum = 0.9});
  rmsprop.step();
  rmsprop.options() = {.centered = true};
  REFUSES(Error, (rmsprop.step(), 0),
          "[step] the options of group 0 call for the moments [square_avg, grad_avg], but the "
          "steps so far have kept [square_avg, momentum_buffer]: set such options before the first "
          "step");
  REFUSES(Error, optim::warmup_cosine(10, 10),
          "[schedule] 10 steps of warm-up do not fit in 10 steps: 0 <= warmup < total");
  REFUSES(Error, optim::step_decay(0, 0.5),
          "[schedule] step_decay every 0 steps: at least 1 is needed");
}

TEST_CASE("messages of files") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());  // so that messages name "model", not all before it
  REFUSES(IoError, nn::save("model", {{"x", ones({1})}, {"x", ones({1})}}),
          "[save] model: the name 'x' is there twice or reserved");
  REFUSES(IoError, nn::save("model", {{"\xff", ones({1})}}),
          "[save] model: a name or the metadata is not valid UTF-8");
  const nn::Metadata endless{{"x", std::string(nn::kLongestHeader, 'x')}};
  REFUSES(IoError, (nn::save("model", nn::NamedTensors{}, endless), 0),
          "[save] model: names and metadata take 100000032 bytes, and a header at most 100000000");
  REFUSES(IoError, nn::save("model", {{"x", full({1}, 131072)}}, {}, {.half = true}),
          "[save] x: 131072 is too large for half precision, which ends at 65504");
  std::filesystem::create_directory("folder");
  REFUSES(IoError, nn::save("folder", {{"x", ones({1})}}),
          "[save] folder is a folder, and no file could take its place");
  REFUSES(IoError, nn::save("folder/no/model", {{"x", ones({1})}}),
          "[save] folder/no/model cannot be written: No such file or directory");
  REFUSES(IoError, nn::load("model"), "[load] model: there is no such file");
  REFUSES(IoError, nn::load("folder"), "[load] folder: this is not a regular file");
  nn::save("model", {{"weight", ones({2, 4})}, {"more", ones({1})}});
  REFUSES(IoError, nn::load("model/below"), "[load] model/below: Not a directory");
  nn::Linear linear(3, 2);
  REFUSES(IoError, nn::load("model", linear),
          "[load] model does not fit the model Linear:\n  weight: the file has f32 [2, 4], the "
          "model f32 [2, 3]\n  missing: bias [2]\n  unexpected: more [1]");
  std::filesystem::current_path(before);
}
