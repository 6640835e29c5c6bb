// Operations as a program calls them, forward (nothing recorded) and forward with backward, on the
// shapes of a text classifier: 32 texts of 256 tokens, 128 features in 4 heads, 2048 hidden units,
// 20,000 words; and of a classifier of images: 32 of 32 x 32 with 64 channels.
// bench/peers/torch_ops.py runs the same rows.
//
// `of_limit` is the least time that a forward pass can take, by the rate of a large product or of a
// plain copy measured in the same process, divided by the time taken. Data that fit a cache beat
// it.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "bench/measure.h"
#include "nn/losses.h"
#include "nn/normalization.h"
#include "tensor/random.h"

namespace gradus::bench {
namespace {

constexpr std::int64_t kBatch = 32, kTime = 256, kTokens = kBatch * kTime, kDim = 128;
constexpr std::int64_t kHeads = 4, kHidden = 2048, kWords = 20000;

std::vector<Tensor>& leaves() {
  static std::vector<Tensor> list;
  return list;
}
Tensor leaf(const Shape& shape) { return leaves().emplace_back(normal(shape)).set_requires_grad(); }
// Numbers below `bound` in no order.
Tensor indices(std::int64_t count, std::int64_t bound) {
  return cast(uniform({count}, 0, static_cast<double>(bound)), DType::i32);
}

// Made once, when the first row runs.
struct Inputs {
  Tensor x = leaf({kTokens, kDim}), big = leaf({kTokens, kHidden});
  Tensor scores = leaf({kBatch, kHeads, kTime, kTime});
  Tensor up = leaf({kHidden, kDim}), up_bias = leaf({kHidden}), down = leaf({kDim, kHidden});
  Tensor q = leaf({kBatch, kHeads, kTime, kDim / kHeads}), k = leaf(q.shape()), v = leaf(q.shape());
  Tensor gain = leaf({kDim}), shift = leaf({kDim}), table = leaf({kWords, kDim});
  Tensor logits = leaf({kTokens, 2});
  Tensor channels = leaf({kBatch, kDim, kTime}), filters = leaf({256, kDim, 3});
  Tensor images = leaf({kBatch, 64, 32, 32}), kernels = leaf({64, 64, 3, 3});
  Tensor image_gain = leaf({64}), image_shift = leaf({64});
  Tensor words = indices(kTokens, kWords), labels = indices(kTokens, 2);
};

const Inputs& inputs() {
  static const Inputs instance;
  return instance;
}

// `flops` and `bytes`: what a forward pass must compute, and read and write, at the least.
void add_op(const std::string& name, double flops, double bytes,
            const std::function<Tensor(const Inputs& in)>& op) {
  add("ops/" + name + "/forward", [=] {
    const double least = std::max(flops / product_rate(), bytes / copy_rate());
    return Row{.pass =
                   [op] {
                     const NoGrad no_grad;
                     benchmark::DoNotOptimize(op(inputs()));
                   },
               .report = [least](auto& state) { state.counters["of_limit"] = per_second(least); }};
  });
  add("ops/" + name + "/both", [=] {
    return Row{.pass = [op] {
      const Tensor y = op(inputs());
      backward(y, {.gradient = ones(y.shape())});
      for (Tensor& each : leaves()) each.zero_grad();
    }};
  });
}

const bool kAdded = [] {
  const double n = kTokens, d = kDim, h = kHidden;
  const double small = 4 * n * d, large = 4 * n * h, scores = 4 * n * kHeads * kTime;  // bytes
  add_op("add [8192,2048]", 0, 2 * large, [](auto& in) { return in.big + in.big; });
  add_op("mul [8192,2048]", 0, 2 * large, [](auto& in) { return in.big * in.big; });
  add_op("add_bias [8192,2048]", 0, 2 * large, [](auto& in) { return in.big + in.up_bias; });
  add_op("relu [8192,2048]", 0, 2 * large, [](auto& in) { return relu(in.big); });
  add_op("gelu [8192,2048]", 0, 2 * large, [](auto& in) { return gelu(in.big); });
  add_op("tanh [8192,2048]", 0, 2 * large, [](auto& in) { return tanh(in.big); });
  add_op("exp [8192,2048]", 0, 2 * large, [](auto& in) { return exp(in.big); });
  add_op("dropout [8192,2048]", 0, 2 * large, [](auto& in) { return dropout(in.big, 0.1); });
  add_op("sum [8192,2048]", 0, large, [](auto& in) { return sum(in.big); });
  add_op("sum0 [8192,2048]", 0, large, [](auto& in) { return sum(in.big, 0); });
  add_op("sum1 [8192,2048]", 0, large, [](auto& in) { return sum(in.big, 1); });
  add_op("softmax [32,4,256,256]", 0, 2 * scores, [](auto& in) { return softmax(in.scores); });
  add_op("log_softmax [8192,2048]", 0, 2 * large, [](auto& in) { return log_softmax(in.big); });
  add_op("layer_norm [8192,128]", 0, 2 * small,
         [](auto& in) { return layer_norm(in.x, in.gain, in.shift); });
  add_op("linear 8192x128->2048", 2 * n * d * h, small + large,
         [](auto& in) { return linear(in.x, in.up, in.up_bias); });
  add_op("linear 8192x2048->128", 2 * n * d * h, small + large,
         [](auto& in) { return linear(in.big, in.down); });
  add_op("bmm qk [32,4,256,32]", 2 * n * kTime * d, 2 * small + scores,
         [](auto& in) { return matmul(in.q, transpose(in.k)); });
  add_op("attention [32,4,256,32]", 4 * n * kTime * d, 4 * small,
         [](auto& in) { return attention(in.q, in.k, in.v); });
  add_op("embedding 8192 of 20000x128", 0, 2 * small,
         [](auto& in) { return gather(in.table, in.words); });
  add_op("cross_entropy [8192,2]", 0, 3 * 4 * n,
         [](auto& in) { return nn::cross_entropy(in.logits, in.labels); });
  add_op("conv1d [32,128,256] k3->256", 2 * n * 3 * d * 256, 3 * small,
         [](auto& in) { return conv1d(in.channels, in.filters, {}, {.padding = 1}); });
  const double pixels = static_cast<double>(kBatch) * 32 * 32, image = 4 * 64 * pixels;
  add_op("conv2d [32,64,32,32] k3->64", 2 * pixels * 9 * 64 * 64, 2 * image,
         [](auto& in) { return conv2d(in.images, in.kernels, {}, {.padding = 1}); });
  add_op("max_pool2d [32,64,32,32] k2", 0, 1.25 * image,
         [](auto& in) { return max_pool2d(in.images, 2); });
  add_op("batch_norm [32,64,32,32]", 0, 2 * image, [](auto& in) {
    static nn::BatchNorm2d norm(64, {.affine = false});
    norm.weight = in.image_gain, norm.bias = in.image_shift;
    return norm(in.images);
  });
  add_op("transpose_copy [8192,2048]", 0, 2 * large,
         [](auto& in) { return contiguous(transpose(in.big)); });
  add_op("cdist [32,256,128]", 2 * n * kTime * d, small + 4 * n * kTime, [](auto& in) {
    const Tensor points = reshape(in.x, {kBatch, kTime, kDim});
    return sqrt(squared_distance(points, points));
  });
  return true;
}();

}  // namespace
}  // namespace gradus::bench
