// A training step of a small transformer classifier, whole: forward, backward and Adam, on 32 texts
// of 100 to 256 tokens.
//
//   step/padded         the texts side by side in [32, 256], a mask over the places that are none
//   step/padded, bf16   the same, with the numbers of products rounded (tensor/precision.h)
//   step/ragged         the same texts one after another, no padding (autograd/segments.h)
//   step/ragged, bf16
//
// bench/peers/torch_step.py is the padded step in PyTorch, written as one writes it there.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "autograd/attention.h"
#include "autograd/ops.h"
#include "autograd/profile.h"
#include "bench/measure.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/normalization.h"
#include "optim/adam.h"
#include "tensor/random.h"

namespace gradus::bench {
namespace {

constexpr std::int64_t kBatch = 32, kTime = 256, kDim = 128, kHeads = 4, kHidden = 2048;
constexpr std::int64_t kWords = 20000, kClasses = 2;
constexpr double kDropout = 0.1;

Tensor drop(const Tensor& x) { return dropout(x, kDropout); }

// Embedded words and learned positions -> self-attention -> LayerNorm -> feed-forward -> LayerNorm
// -> attention pooling by a learned score -> logits.
struct Model : nn::Module {
  nn::Embedding embed{kWords, kDim};
  Tensor positions = nn::parameter(normal({kTime, kDim}, 0, 0.02));
  nn::Linear query{kDim, kDim}, key{kDim, kDim}, value{kDim, kDim}, out{kDim, kDim};
  nn::LayerNorm norm1{kDim}, norm2{kDim};
  nn::Linear up{kDim, kHidden}, down{kHidden, kDim};
  nn::Linear score{kDim, 1}, head{kDim, kClasses};

  void visit(nn::Visitor& v) override {
    v("embed", embed);
    v("positions", positions);
    v("query", query);
    v("key", key);
    v("value", value);
    v("out", out);
    v("norm1", norm1);
    v("norm2", norm2);
    v("up", up);
    v("down", down);
    v("score", score);
    v("head", head);
  }

  // x [..., dim] -> the same. `attend` takes and gives [..., dim], too.
  template <class Attend>
  Tensor encode(const Tensor& x, Attend attend) const {
    const Tensor seen = norm1(x + drop(out(attend(query(x), key(x), value(x)))));
    return norm2(seen + drop(down(up(seen, UnaryOp::relu))));
  }
};

struct Batch {
  std::vector<std::int32_t> offsets{0};
  std::vector<std::int32_t> padded_words, words, places, labels;
  Tensor real;  // boolean [batch, time]

  // bench/peers/torch_step.py draws the same.
  Batch() {
    std::minstd_rand draw(1);
    std::vector<std::int32_t> lengths;
    for (std::int32_t text = 0; text < kBatch; ++text) {
      const std::int32_t length = text == 0 ? kTime : 100 + text * 61 % 157;
      for (std::int32_t place = 0; place < kTime; ++place) {
        padded_words.push_back(static_cast<std::int32_t>(draw() % kWords));
        if (place >= length) continue;
        words.push_back(padded_words.back());
        places.push_back(place);
      }
      lengths.push_back(length);
      labels.push_back(text % kClasses);
      offsets.push_back(offsets.back() + length);
    }
    real = arange(kTime, {.dtype = DType::i32}) < from_vector(lengths, {kBatch, 1});
  }
};

// Floating point operations of a step over `rows` tokens, of which `pairs` = the sum of length^2
// see each other: a product [m, k] x [k, n] is 2 m k n forward, and as much again for each of the
// two gradients. Attention is two products forward, four backward. All else is not counted.
struct Flops {
  double linear, attention, pooling;

  Flops(double rows, double pairs) {
    const double projections = 4 * 2 * rows * kDim * kDim;
    const double feed_forward = 2 * 2 * rows * kDim * kHidden;
    const double score = 2 * rows * kDim, logits = 2.0 * kBatch * kDim * kClasses;
    linear = 3 * (projections + feed_forward + score + logits);
    attention = 3 * 2 * 2 * pairs * kDim;
    pooling = 3 * 2 * rows * kDim;
  }
  double all() const { return linear + attention + pooling; }
};

enum Phase { forward_phase, backward_phase, optimizer_phase };

struct Training {
  Batch batch;
  Model model;
  optim::Adam adam{model.parameters(), {.lr = 1e-3}};
  Tensor labels = from_vector(batch.labels, {kBatch});
  std::array<double, 3> spent{};  // seconds in each phase

  template <class Logits>
  void step(Logits logits) {
    const double start = now();
    adam.zero_grad();
    const Tensor loss = nn::cross_entropy(logits(), labels);
    const double forward_done = now();
    loss.backward();
    const double backward_done = now();
    adam.step();
    spent[forward_phase] += forward_done - start;
    spent[backward_phase] += backward_done - forward_done;
    spent[optimizer_phase] += now() - backward_done;
  }
};

// Where the time of a step goes: "linear forward" and so on, the median of several.
template <class Step>
void report_profile(benchmark::State& state, const Flops& flops, Step step) {
  std::map<std::string, std::vector<double>> seconds;
  for (int i = 0; i < 3; ++i) {
    const graph::Profile profile = graph::profile(step);
    for (const graph::Profile::Row& row : profile.rows) {
      seconds[row.op + " forward"].push_back(row.forward);
      seconds[row.op + " backward"].push_back(row.backward);
    }
    seconds["rest forward"].push_back(profile.rest);
  }
  for (auto& [name, list] : seconds) {
    std::ranges::sort(list);
    state.counters["profile " + name] = list[list.size() / 2];
  }
  state.counters["least linear"] = flops.linear / product_rate();
  state.counters["least attention"] = flops.attention / product_rate();
}

// A step whose logits `logits(training)` gives.
template <class Logits>
Row step_row(const std::shared_ptr<Training>& training, const Flops& flops, Logits logits) {
  return {.pass = [=] { training->step([&] { return logits(*training); }); },
          .report =
              [=, product = product_rate()](auto& state) {
                auto& spent = training->spent;
                state.counters["forward"] = per_pass(spent[forward_phase]);
                state.counters["backward"] = per_pass(spent[backward_phase]);
                state.counters["optimizer"] = per_pass(spent[optimizer_phase]);
                state.counters["flops"] = per_second(flops.all());
                state.counters["of_product"] = per_second(flops.all() / product);
                report_profile(state, flops,
                               [&] { training->step([&] { return logits(*training); }); });
                spent = {};
              }};
}

Row padded() {
  const auto training = std::make_shared<Training>();
  const Tensor words = from_vector(training->batch.padded_words, {kBatch, kTime});
  const double rows = kBatch * kTime;
  return step_row(training, Flops(rows, rows * kTime), [words](const Training& t) {
    const Model& m = t.model;
    const Tensor& real = t.batch.real;
    const Tensor x = m.encode(
        drop(m.embed(words) + m.positions), [&](const Tensor& q, const Tensor& k, const Tensor& v) {
          const auto heads = [](const Tensor& y) {
            return transpose(reshape(y, {kBatch, kTime, kHeads, kDim / kHeads}), 1, 2);
          };
          const Tensor mask = reshape(real, {kBatch, 1, 1, kTime});
          const Tensor y =
              attention(heads(q), heads(k), heads(v), {.mask = mask, .dropout = kDropout});
          return reshape(transpose(y, 1, 2), {kBatch, kTime, kDim});
        });
    const double nowhere = -std::numeric_limits<double>::infinity();
    const Tensor weights = softmax(where(real, squeeze(m.score(x), -1), nowhere));
    return m.head(squeeze(matmul(unsqueeze(weights, 1), x), 1));
  });
}

Row ragged() {
  const auto training = std::make_shared<Training>();
  const Batch& batch = training->batch;
  const Segments texts(batch.offsets);
  const Tensor words = from_vector(batch.words, {texts.rows()});
  const Tensor places = from_vector(batch.places, {texts.rows()});
  double pairs = 0;
  for (std::int64_t i = 0; i < texts.count(); ++i) {
    pairs += static_cast<double>(texts.size(i) * texts.size(i));
  }
  const Flops flops(static_cast<double>(texts.rows()), pairs);
  return step_row(training, flops, [texts, words, places](const Training& t) {
    const Model& m = t.model;
    const Tensor x = m.encode(drop(m.embed(words) + gather(m.positions, places)),
                              [&](const Tensor& q, const Tensor& k, const Tensor& v) {
                                const auto heads = [](const Tensor& y) {
                                  return reshape(y, {-1, kHeads, kDim / kHeads});
                                };
                                const Tensor y = attention(heads(q), heads(k), heads(v), texts,
                                                           {.dropout = kDropout});
                                return reshape(y, {-1, kDim});
                              });
    const Tensor weights = segment_softmax(m.score(x), texts);  // [rows, 1]
    return m.head(segment_sum(weights * x, texts));
  });
}

const bool kAdded = [] {
  add("step/padded", padded);
  add("step/padded, bf16", [] { return in_bf16(padded()); });
  add("step/ragged", ragged);
  return add("step/ragged, bf16", [] { return in_bf16(ragged()); });
}();

}  // namespace
}  // namespace gradus::bench
