// The kernels of the default backend on the shapes of a text classifier: 8192 tokens, 128 features,
// 2048 hidden, a vocabulary of 20,000. Beside the time stands `of_limit`: the time that the machine
// needs at the least, by the rate of a 1024^3 product or of a plain copy measured in the same run,
// divided by the time taken. 1 cannot be beaten, except by data that fits a cache.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/host.h"
#include "tensor/backend.h"

namespace gradus {
namespace {

constexpr std::int64_t kTokens = 8192, kDim = 128, kHidden = 2048, kWords = 20000, kHeads = 4;

struct Owned {
  std::shared_ptr<Buffer> buffer;
  View view;
  operator const View&() const { return view; }
};

Owned make(const Shape& shape, DType dtype = DType::f32) {
  Backend& on = default_backend();
  Owned x{on.allocate(static_cast<std::size_t>(shape.numel()) * size_of(dtype)), {}};
  x.view = {x.buffer.get(), dtype, Layout(shape)};
  on.fill(x, 0.25);
  return x;
}

Owned laid_out(Owned x, const Layout& layout) {
  x.view.layout = layout;
  return x;
}
Owned transposed(const Owned& x) { return laid_out(x, x.view.layout.permuted(std::vector{1, 0})); }
Owned repeated(const Owned& x, const Shape& to) {
  return laid_out(x, x.view.layout.broadcast_to(to));
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds(const std::function<void()>& body) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const double start = now();
    body();
    best = std::min(best, now() - start);
  }
  return best;
}

// Floating point operations and bytes a second.
struct Limits {
  double flops, bytes;

  Limits() {
    Backend& on = default_backend();
    const Owned a = make({1024, 1024}), b = make({1024, 1024}), c = make({1024, 1024});
    flops = 2 * 1024.0 * 1024 * 1024 / seconds([&] { on.matmul(a, b, c); });
    const Owned x = make({kTokens, kHidden}), y = make({kTokens, kHidden});
    bytes = 8.0 * kTokens * kHidden / seconds([&] { on.unary(UnaryOp::copy, x, y); });
    benchmark::AddCustomContext("backend", on.description());
    benchmark::AddCustomContext("limits", std::to_string(flops / 1e9) + " GFLOP/s, " +
                                              std::to_string(bytes / 1e9) + " GB/s");
  }
};

void add(const std::string& name, double flops, double bytes, const std::function<void()>& body) {
  static const Limits limits;
  benchmark::RegisterBenchmark(
      name.c_str(),
      [=](benchmark::State& state) {
        const double start = now();
        for (auto _ : state) body();
        const double least = std::max(flops / limits.flops, bytes / limits.bytes);
        state.counters["of_limit"] =
            least * static_cast<double>(state.iterations()) / (now() - start);
      })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

void add_elementwise() {
  Backend& on = default_backend();
  const Owned x = make({kTokens, kHidden}), y = make({kTokens, kHidden}),
              out = make({kTokens, kHidden});
  const Owned row = make({kHidden}), column = make({kTokens, 1});
  const double all = 4.0 * kTokens * kHidden;  // bytes of one operand
  const auto binary = [&](const char* name, BinaryOp op, const Owned& b, double bytes) {
    add(name, 0, bytes, [=, &on] { on.binary(op, x, b, out); });
  };
  binary("add", BinaryOp::add, y, 3 * all);
  binary("add_bias", BinaryOp::add, repeated(row, {kTokens, kHidden}), 2 * all);
  binary("sub_column", BinaryOp::sub, repeated(column, {kTokens, kHidden}), 2 * all);
  for (UnaryOp op : {UnaryOp::relu, UnaryOp::exp, UnaryOp::log, UnaryOp::tanh, UnaryOp::sigmoid,
                     UnaryOp::gelu}) {
    add(name_of(op), 0, 2 * all, [=, &on] { on.unary(op, x, out); });
  }
  const Owned turned = laid_out(x, Layout(Shape{kHidden, kTokens}).permuted(std::vector{1, 0}));
  add("transpose_copy", 0, 2 * all, [=, &on] { on.unary(UnaryOp::copy, turned, out); });
  add("dropout", 0, 2 * all, [=, &on] { benchmark::DoNotOptimize(on.dropout(x, 0.1, 1, 2, out)); });
  add("log_softmax", 0, 2 * all, [=, &on] { benchmark::DoNotOptimize(on.log_softmax(x, out)); });
  for (const Shape& shape : {Shape{1, 1}, Shape{1, kHidden}, Shape{kTokens, 1}}) {
    const Owned sum = make(shape);
    add("sum to " + to_string(shape), 0, all, [=, &on] { on.reduce(ReduceOp::sum, x, sum); });
  }
}

void add_products() {
  Backend& on = default_backend();
  const Owned x = make({kTokens, kDim}), h = make({kTokens, kHidden});
  const Owned w1 = make({kHidden, kDim}), w2 = make({kDim, kHidden}), head = make({2, kHidden});
  const auto product = [&](const char* name, const Owned& a, const Owned& b) {
    const Owned out = make({a.view.shape()[0], b.view.shape()[1]});
    const double elements = static_cast<double>(a.view.shape().numel() + b.view.shape().numel() +
                                                out.view.shape().numel());
    add(name, 2.0 * static_cast<double>(out.view.shape().numel() * a.view.shape()[1]), 4 * elements,
        [=, &on] { on.matmul(a, b, out); });
  };
  product("linear 128 -> 2048", x, transposed(w1));
  product("linear 2048 -> 128", h, transposed(w2));
  product("linear 2048 -> 2", h, transposed(head));
  product("its weights' gradient 128 -> 2048", transposed(h), x);
  product("its weights' gradient 2048 -> 128", transposed(x), h);
  product("its input's gradient 128 -> 2048", h, w1);
}

void add_rows() {
  Backend& on = default_backend();
  const Owned table = make({kWords, kDim}), out = make({kTokens, kDim}),
              rows = make({kTokens}, DType::i32);
  for (std::int64_t i = 0; i < kTokens; ++i) {
    data_of<std::int32_t>(rows.view)[i] = static_cast<std::int32_t>(i * i % kWords);
  }
  const double bytes = 4.0 * kTokens * kDim;
  add("gather", 0, 2 * bytes, [=, &on] { on.gather(table, rows, out); });
  add("scatter_add", 0, 3 * bytes, [=, &on] { on.scatter(ScatterOp::add, rows, out, table); });
  const Owned w = make({kDim}), y = make({kTokens, kDim}), mean = make({kTokens}),
              rstd = make({kTokens});
  add("layer_norm", 0, 2 * bytes,
      [=, &on] { benchmark::DoNotOptimize(on.layer_norm(out, w, w, 1e-5, y, mean, rstd)); });
}

void add_attention() {
  Backend& on = default_backend();
  const Shape shape{kTokens, kHeads, kDim / kHeads};
  const Owned q = make(shape), k = make(shape), v = make(shape), y = make(shape), g = make(shape);
  const Owned dq = make(shape), dk = make(shape), dv = make(shape);
  const Owned bias = make({kTokens, kHeads}), log_sum = make({kTokens, kHeads}),
              dbias = make({kTokens, kHeads});
  for (std::int64_t length : {32, 256, 1024}) {
    const Owned offsets = make({kTokens / length + 1}, DType::i32);
    for (std::int64_t i = 0; i <= kTokens / length; ++i) {
      data_of<std::int32_t>(offsets.view)[i] = static_cast<std::int32_t>(i * length);
    }
    const double flops = 4.0 * kTokens * static_cast<double>(length) * kDim;
    const std::string name = "attention over " + std::to_string(length);
    add(name, flops, 0, [=, &on] {
      benchmark::DoNotOptimize(on.attention({q, k, v, bias, offsets, {}, 0.2}, y, log_sum));
    });
    add(name + " gradient", 2.5 * flops, 0, [=, &on] {
      benchmark::DoNotOptimize(on.attention_gradient({q, k, v, bias, offsets, {}, 0.2}, y, log_sum,
                                                     g, {dq, dk, dv, dbias}));
    });
  }
}

const bool kAdded = [] {
  add_elementwise();
  add_products();
  add_rows();
  add_attention();
  return true;
}();

}  // namespace
}  // namespace gradus
