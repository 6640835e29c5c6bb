// Every error message of normalisation, convolution, attention, segments and the graph
// (tests/messages_test.cpp).

#include <doctest/doctest.h>

#include "autograd/bags.h"
#include "autograd/node.h"
#include "backends/reference/reference.h"
#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

Tensor whole(std::initializer_list<std::int32_t> values) {
  return from_vector(std::vector<std::int32_t>(values), {std::ssize(values)});
}
Tensor leaf(const Shape& shape) { return ones(shape).set_requires_grad(); }

// Takes offers without making good on their gradients.
struct HalfDone : ReferenceBackend {
  bool linear(const View&, const View&, const View&, UnaryOp, const View&) override { return true; }
  bool layer_norm(const View&, const View&, const View&, double, const View&, const View&,
                  const View&) override {
    return true;
  }
  bool softmax_cross_entropy(const View&, const View&, const View&) override { return true; }
  bool conv2d(const View&, const View&, const View&, const Size2d&, const Size2d&,
              const View&) override {
    return true;
  }
  bool max_pool2d(const View&, const Size2d&, const Size2d&, const View&) override { return true; }
  bool batch_norm(const View&, const View&, const View&, double, const View&, const View&,
                  const View&) override {
    return true;
  }
  bool pool(const View&, const View&, const View&, const View&) override { return true; }
  bool attention(const AttentionInputs&, const View&, const View&) override { return true; }
};

}  // namespace

TEST_CASE("messages of normalisation and dropout") {
  const Tensor x = ones({2, 3});
  REFUSES(ShapeError, softmax_cross_entropy(x, whole({0})),
          "[softmax_cross_entropy] x [2, 3] must be [n, classes] and labels [1] [n]");
  REFUSES(IndexError, softmax_cross_entropy(x, whole({0, 3})),
          "[softmax_cross_entropy] label 3 (number 1) is outside [0, 3)");
  REFUSES(ShapeError, layer_norm(x, ones({2})),
          "[layer_norm] x [2, 3] needs weight and bias of the size of its last axis, got f32 [2] "
          "on cpu");
  REFUSES(ShapeError, layer_norm(ones({})), "[layer_norm] x must have a last axis, got a scalar");
  REFUSES(ShapeError, batch_norm(ones({3}), ones({3}), ones({3})),
          "[batch_norm] x [3] must be [batch, channels, ...]");
  REFUSES(ShapeError, batch_norm(x, ones({2}), ones({3})),
          "[batch_norm] [2] must have one number for each channel of x [2, 3]");
  REFUSES(Error, dropout(x, 1), "[dropout] the probability 1 is not in [0, 1)");
}

TEST_CASE("messages of convolutions") {
  const Tensor x = ones({1, 2, 3});
  REFUSES(ShapeError, conv1d(x, ones({1, 2, 4})),
          "[conv1d] a window of 4 every 1 does not fit 3 elements padded by 0");
  REFUSES(ShapeError, conv1d(x, ones({1, 3, 2})),
          "[conv1d] x [1, 2, 3] must be [batch, in, time] and weight [1, 3, 2] [out, in, size] "
          "with the same in");
  REFUSES(ShapeError, conv1d(x, ones({1, 2, 2}), ones({2})),
          "[conv1d] bias [2] must have one number for each of the 1 rows of weight");
  REFUSES(ShapeError, conv2d(x, ones({1, 2, 2})),
          "[conv2d] x [1, 2, 3] must be [batch, in, height, width] and weight [1, 2, 2] [out, in, "
          "rows, columns] with the same in");
  REFUSES(ShapeError, max_pool2d(ones({3}), 2),
          "[max_pool2d] x [3] must end with height and width");
  REFUSES(ShapeError, avg_pool1d(ones({}), 2), "[avg_pool1d] x [] must end with time");
}

TEST_CASE("messages of segments and bags") {
  const Segments texts({0, 2, 3});
  const Tensor x = ones({3, 4});
  const Windows windows = segment_windows(texts, {.size = 2}, default_backend());
  REFUSES(ShapeError, Segments({0, 2, 1}), "[segments] 3 offsets must begin with 0 and never fall");
  REFUSES(ShapeError, segment_sum(ones({2, 4}), texts),
          "[segment_sum] x [2, 4] must have the 3 rows that the segments cover");
  REFUSES(ShapeError, segment_expand(x, texts),
          "[segment_expand] x [3, 4] must have a row for each of the 2 segments");
  REFUSES(IndexError, texts.size(texts.count()),
          "[segments] there is no segment 2: there are 2, numbered from 0");
  REFUSES(IndexError, texts.begin(-1),

          "[segments] there is no segment -1: there are 2, numbered from 0");
  REFUSES(ShapeError, Segments::equal(1 << 20, 1 << 20),
          "[segments] 1048576 segments of 1048576 rows: i32 counts rows");
  REFUSES(ShapeError, segment_windows(texts, {.size = std::int64_t{1} << 40}, default_backend()),
          "[segment_windows] size 1099511627776 and stride 1 must fit i32");
  REFUSES(ShapeError, segment_windows(texts, {.size = 0}, default_backend()),
          "[segment_windows] size 0 and stride 1 must be at least 1, padding 0 in [0, size): a "
          "window that sees nothing but padding is of no use");
  REFUSES(ShapeError, segment_conv1d(x, ones({1, 4, 3}), {}, windows),
          "[segment_conv1d] x [3, 4] must be [rows, in], weight [1, 4, 3] [out, in, size], and the "
          "windows [1, 2] [windows, size]");
  REFUSES(ShapeError, Bags({0, 1}, {0, 3}), "[bags] the offsets end with 3, there are 2 rows");
  REFUSES(IndexError, Bags({0, -1}, {0, 2}), "[bags] row -1 is below 0");
  const Bags bags({0, 1}, {0, 2});
  REFUSES(ShapeError, gather_sum(ones({}), bags),
          "[gather_sum] a table needs at least one axis, got a scalar");
  const TensorOptions elsewhere{.backend = &backend("reference")};
  REFUSES(
      BackendError, gather_sum(ones({2, 2}, elsewhere), bags),
      "[gather_sum] the bags are on cpu, the table is f32 [2, 2] on reference: make them there");
}

TEST_CASE("messages of attention") {
  const Tensor x = ones({2, 3});
  REFUSES(ShapeError, attention(x, ones({2, 4}), x),
          "[attention] queries [2, 3] and keys [2, 4] must end with the same size");
  REFUSES(ShapeError, attention(x, x, ones({4, 3})),
          "[attention] keys [2, 3] and values [4, 3] must have the same number of rows");
  REFUSES(Error, attention(x, x, x, {.score = Score::additive}),
          "[attention] the additive score needs a weight [3]: pass {.weight = w}");
  const AttentionOptions narrow{.score = Score::additive, .weight = ones({1})};
  REFUSES(ShapeError, attention(x, x, x, narrow),
          "[attention] the additive score's weight [1] must be [3]");
  REFUSES(Error, attention(x, x, x, {.dropout = 1}),
          "[attention] the probability of dropout 1 is not in [0, 1)");
  REFUSES(DTypeError, attention(x, x, x, {.mask = x}),
          "[attention] the mask must be boolean and on q's backend, got f32 [2, 3] on cpu");
  REFUSES(DTypeError, attention_weights(x, x, {.mask = x}),
          "[attention] the mask must be boolean and on q's backend, got f32 [2, 3] on cpu");
  REFUSES(ShapeError, attention(x, x, x, {.mask = ones({3, 2, 2}) > 0}),
          "[attention] the mask [3, 2, 2] is larger than the scores [2, 2]");
  const Segments texts({0, 2});
  const Tensor packed = ones({2, 1, 3});
  REFUSES(ShapeError, attention(x, x, x, texts),
          "[attention] packed q [2, 3], k [2, 3], v [2, 3] must be [rows, heads, d] with the 2 "
          "rows that the segments cover");
  REFUSES(Error, attention(packed, packed, packed, texts, {.mask = x > 0}),
          "[attention] packed attention takes no mask: the segments say who sees whom");
  REFUSES(ShapeError, pooling_weights(x, x, texts),
          "[pooling_weights] query [2, 3] must be [segments, heads, d] and keys [2, 3] [rows, "
          "heads, d]");
  REFUSES(ShapeError, pool(x, ones({3, 3, 1}), texts),
          "[pool] weights [2, 3] must be [rows, heads] and values [3, 3, 1] [rows, heads, e]");
}

TEST_CASE("messages of gradients") {
  const Tensor a = leaf({2});
  const Tensor y = sum(a * a);
  REFUSES(GradError, ones({}).backward(),
          "[backward] nothing behind this f32 [] on cpu requires gradients; call "
          "set_requires_grad() on a leaf before computing it; to differentiate a gradient, "
          "compute it with {.create_graph = true}");
  REFUSES(ShapeError, (a * 2).backward(),
          "[backward] the output [2] has more than one element: reduce it, or pass its gradient");
  REFUSES(ShapeError, backward(a * 2, {.gradient = ones({3})}),
          "[backward] gradient [3] must have the shape of the output [2]");
  REFUSES(GradError, grad({y}, {ones({2})}),
          "[grad] input f32 [2] on cpu does not require gradients; call set_requires_grad() before "
          "computing");
  REFUSES(ShapeError, sum(on_gradient(a, [](const Tensor&) { return ones({3}); })).backward(),
          "[on_gradient] the function was given a gradient [2] and returned f32 [3] on cpu; both "
          "must have one shape");
  y.backward();
  REFUSES(GradError, y.backward(),
          "[backward] the graph behind 'reshape' [] was freed by an earlier backward; pass "
          "{.retain_graph = true} to the earlier one, or detach() what was carried over from the "
          "step before");
  REFUSES(GradError, graph::dot(ones({2})),
          "[graph] nothing behind this f32 [2] on cpu requires gradients; call set_requires_grad() "
          "on a leaf before computing it");
  REFUSES(GradError, graph::json(y),
          "[graph] the graph behind this f32 [] on cpu was freed by an earlier backward: draw it "
          "before");
  REFUSES(GradError, (a * 2).set_requires_grad(),
          "[set_requires_grad] f32 [2] on cpu was computed by 'mul'; only leaves can be set: "
          "detach() it first");
  REFUSES(DTypeError, whole({1}).set_requires_grad(),
          "[set_requires_grad] gradients need f32 or f64, got i32 [1] on cpu");
  REFUSES(
      GradError, ones({2}).set_gradient(ones({2})),
      "[set_gradient] f32 [2] on cpu does not require gradients; call set_requires_grad() first");
  REFUSES(GradError, (a * 2).assign(ones({2})),
          "[assign] f32 [2] on cpu was computed by 'mul'; only leaves can be written");
  REFUSES(ShapeError, ones({2}).assign(ones({3})),
          "[assign] values [3] must have the shape [2] of what they overwrite");
  REFUSES(ShapeError, expand(ones({}), {2}).assign(ones({2})),
          "[assign] elements of f32 [2] on cpu share memory, as expand() makes them; write to "
          "contiguous() or to what was expanded");
  Tensor one = leaf({2}), other = leaf({2});
  const Tensor joint =
      record("joint", one.detach(),
             joint_edges({one.node(), other.node()},
                         [](const Tensor& g, const Tensor&) { return std::vector<Gradient>{g}; }));
  REFUSES(GradError, (sum(joint).backward(), 0),
          "[backward] a joint pullback returned 1 gradients for 2 inputs; undefined ones stand for "
          "those not wanted");
  Tensor table = leaf({2, 3});
  REFUSES(ShapeError, table.set_gradient(ones({3})),
          "[set_gradient] the gradient of f32 [2, 3] on cpu cannot be f32 [3] on cpu: shape, dtype "
          "and backend must be the same");
  REFUSES(ShapeError, table.set_gradient(Gradient::row_sparse(whole({1}), ones({2, 3}), {2, 3})),
          "[set_gradient] the gradient of f32 [2, 3] on cpu cannot be f32 [2, 3] on cpu in rows of "
          "[2, 3]: shape, dtype and backend must be the same");
  REFUSES(
      ShapeError, Gradient::of_slice(ones({2, 2}), {1, 1, 3, 1}, {2, 2}),
      "[Gradient::of_slice] values [2, 2] are not those from 1 to 3, every 1, of axis 1 of [2, 2]");
  REFUSES(ShapeError, Gradient::of_slice(ones({3}), {0, 0, 8, 4}, {8}),
          "[Gradient::of_slice] values [3] are not those from 0 to 8, every 4, of axis 0 of [8]");
  const Tensor named = sum(a * a);
  REFUSES(Error, graph::json(named, {{"\xff", a}}),
          "[graph] the name of a tensor is not valid UTF-8");
  const DetectAnomaly on;
  REFUSES(Error, log(leaf({2}) - 2),
          "[log] made the first NaN: its result f32 [2] on cpu holds one");
}

TEST_CASE("messages of checks of gradients") {
  const auto f = [](const std::vector<Tensor>& in) { return sum(in[0]); };
  REFUSES(DTypeError, gradcheck(f, {leaf({2})}),
          "[gradcheck] input 0 is f32 [2] on cpu: differences this small drown in the rounding of "
          "f32; make the inputs f64");
  REFUSES(DTypeError, gradcheck(f, {whole({1})}),
          "[gradcheck] no input is f64: there is nothing to compare");
  const auto g = [](const std::vector<Tensor>& in) { return cast(sum(in[0]), DType::f32); };
  REFUSES(DTypeError, gradcheck(g, {ones({2}, {DType::f64}).set_requires_grad()}),
          "[gradcheck] the function must give f64, got f32 [] on cpu");
  const Tensor held = ones({2}, {DType::f64});
  const auto ignores = [&](const std::vector<Tensor>&) { return held * 2; };
  REFUSES(Error, gradcheck(ignores, {held}),
          "[gradcheck] the result depends on no input: the function must compute with the tensors "
          "that it is given, or hold leaves that require gradients, as a module does, and be given "
          "these");
  CHECK(message_of<Error>([&] {
          gradgradcheck(ignores, {held});
        }).starts_with("[gradgradcheck] the result depends on no input"));
  bool first = true;
  const Tensor a = leaf({2}), b = leaf({2});
  const Tensor y =
      checkpoint([&](const Tensor& x) { return std::exchange(first, false) ? x * b : x * 2; }, a);
  REFUSES(GradError, sum(y).backward(),
          "[checkpoint] run again, the function does not depend on a tensor [2] that it depended "
          "on at first; it must do the same every time");
}

TEST_CASE("messages of a backend whose offers have no gradients") {
  HalfDone half;
  const TensorOptions there{.backend = &half};
  const Tensor x = ones({2, 3}, there).set_requires_grad(), deep = reshape(x, {1, 2, 3});
  const Tensor labels = zeros({2}, {DType::i32, &half});
  REFUSES(BackendError, sum(linear(x, ones({4, 3}, there))).backward(),
          "[linear] the backend took the forward offer but not its gradient");
  REFUSES(BackendError, sum(layer_norm(x)).backward(),
          "[layer_norm] the backend took the forward offer but not its gradient");
  REFUSES(BackendError, sum(softmax_cross_entropy(x, labels)).backward(),
          "[softmax_cross_entropy] the backend took the forward offer but not its gradient");
  REFUSES(BackendError, sum(conv1d(deep, ones({1, 2, 2}, there))).backward(),
          "[conv1d] the backend took the forward offer but not its gradient");
  REFUSES(BackendError, sum(max_pool2d(x, 2)).backward(),
          "[max_pool2d] the backend took the forward offer but not its gradient");
  REFUSES(BackendError, sum(batch_norm_training(x).y).backward(),
          "[batch_norm] the backend took the forward offer but not its gradient");
  REFUSES(BackendError, sum(pool(x, reshape(x, {2, 3, 1}), Segments({0, 2}))).backward(),
          "[pool] the backend took the forward offer but not its gradient");
  const Tensor q = reshape(x, {1, 1, 2, 3});
  REFUSES(BackendError, sum(attention(q, q, q)).backward(),
          "[attention] the backend took the forward offer but not its gradient");
}

TEST_CASE("a pullback that changes the type of a gradient is told so before a kernel reads it") {
  const auto wider = [](const Tensor& g) { return cast(g, DType::f64); };
  const Tensor x = ones({1000}).set_requires_grad();
  const auto refused = [&](const Tensor& y) {
    return message_of<Error>([&] { sum(y).backward(); });
  };
  CHECK(
      refused(on_gradient(tanh(x), wider)) ==
      "[on_gradient] its pullback gave input 0 the gradient f64 [1000] on cpu; it must be f32 and "
      "stay on cpu: cast() it");
  CHECK(
      refused(record("mine", x.detach(), edge(x, wider))).starts_with("[mine] its pullback gave"));
  CHECK(!x.grad().defined());
}

TEST_CASE("a pullback whose gradient has a wrong shape, or is none at all, is named") {
  Tensor x = leaf({2});
  const auto run = [&](const std::function<Gradient(const Tensor&)>& pullback) {
    sum(record("bad", ones({3}), edge(ones({2}), pullback), edge(x, pullback))).backward();
    return 0;
  };
  REFUSES(ShapeError, run([](const Tensor& g) { return g; }),
          "[bad] its pullback gave input 1 the gradient f32 [3] on cpu; it must be of the input's "
          "shape [2] or broadcast from it");
  REFUSES(ShapeError, run([](const Tensor& g) { return sum(g); }),
          "[bad] its pullback gave input 1 the gradient f32 [] on cpu; it must be of the input's "
          "shape [2] or broadcast from it");
  REFUSES(ShapeError,
          run([](const Tensor&) { return Gradient::row_sparse(whole({0}), ones({1}), {4}); }),
          "[bad] its pullback gave input 1 the gradient f32 [1] on cpu in rows of [4]; it must be "
          "of the input's shape [2] or broadcast from it");
  REFUSES(GradError, run([](const Tensor&) { return Gradient(); }),
          "[bad] its pullback gave input 1 no gradient; it must give zeros where there is none");
  REFUSES(GradError, run([](const Tensor&) { return Tensor(); }),
          "[bad] its pullback gave input 1 no gradient; it must give zeros where there is none");
  CHECK(!x.grad().defined());
  CHECK(run([](const Tensor&) { return ones({3, 2}); }) == 0);  // broadcast: summed
  CHECK(x.grad().to_vector<double>() == std::vector<double>{3, 3});
}
