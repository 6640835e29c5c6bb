// Training steps of small models, written as one writes them: forward, backward and Adam. Here calls
// and small tensors count more than in the large step (step_bench.cpp). bench/peers/torch_models.py has
// the same models in PyTorch.
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "autograd/ops.h"
#include "bench/measure.h"
#include "nn/activations.h"
#include "nn/containers.h"
#include "nn/convolution.h"
#include "nn/convolution2d.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/losses.h"
#include "nn/normalization.h"
#include "nn/recurrent.h"
#include "nn/transformer.h"
#include "optim/adam.h"
#include "tensor/random.h"

namespace gradus::bench {
namespace {

// A step that makes loss() smaller by changing these modules, which share their parameters with it.
template <class... Modules>
Row trains(const std::function<Tensor()>& loss, Modules... modules) {
  std::vector<Tensor> parameters;
  for (const std::vector<Tensor>& list : {modules.parameters()...}) {
    parameters.insert(parameters.end(), list.begin(), list.end());
  }
  const auto adam = std::make_shared<optim::Adam>(parameters, optim::AdamOptions{.lr = 1e-3});
  return {.pass = [=] {
    adam->zero_grad();
    loss().backward();
    adam->step();
  }};
}

Row tiny() {
  const nn::Sequential model{nn::Linear(2, 16), nn::Tanh(), nn::Linear(16, 2)};
  const Tensor x = normal({32, 2}), labels = randint(0, 2, {32});
  return trains([=] { return nn::cross_entropy(model(x), labels); }, model);
}

Row perceptron() {
  const nn::Sequential model{nn::Linear(784, 256), relu, nn::Dropout(0.2), nn::Linear(256, 10)};
  const Tensor x = normal({64, 784}), labels = randint(0, 10, {64});
  return trains([=] { return nn::cross_entropy(model(x), labels); }, model);
}

Row digits() {
  const nn::Sequential model{nn::Conv2d(1, 16, 3, {.padding = 1}),
                             nn::BatchNorm2d(16),
                             relu,
                             nn::MaxPool2d(2),
                             nn::Conv2d(16, 32, 3, {.padding = 1}),
                             relu,
                             nn::MaxPool2d(2),
                             nn::Flatten(),
                             nn::Linear(32 * 7 * 7, 10)};
  const Tensor x = normal({64, 1, 28, 28}), labels = randint(0, 10, {64});
  return trains([=] { return nn::cross_entropy(model(x), labels); }, model);
}

Row residual_block() {
  const nn::Conv2dOptions same{.padding = 1, .bias = false};
  const nn::Sequential inner{nn::Conv2d(32, 32, 3, same), nn::BatchNorm2d(32), relu,
                             nn::Conv2d(32, 32, 3, same), nn::BatchNorm2d(32)};
  const Tensor x = normal({16, 32, 32, 32});
  return trains([=] { return mean(square(relu(x + inner(x)))); }, inner);
}

// i, f, g and o of each step are cut from one product, the words of each step from one tensor.
Row recurrent_by_hand() {
  const nn::Linear from_x(128, 4 * 128), from_h(128, 4 * 128);
  const Tensor x = normal({32, 64, 128});
  return trains(
      [=] {
        Tensor h = zeros({32, 128}), c = zeros({32, 128});
        std::vector<Tensor> states;
        for (int t = 0; t < 64; ++t) {
          const std::vector<Tensor> gates = chunk(from_x(select(x, 1, t)) + from_h(h), 4, 1);
          c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
          h = sigmoid(gates[3]) * tanh(c);
          states.push_back(h);
        }
        return mean(square(stack(states, 1)));
      },
      from_x, from_h);
}

Row language() {
  const nn::Embedding embed(5000, 128);
  const nn::LSTM lstm(128, 128);
  const nn::Linear out(128, 5000);
  const Tensor words = randint(0, 5000, {16 * 64}), next = randint(0, 5000, {16 * 64});
  const Segments texts = Segments::equal(16, 64);
  return trains([=] { return nn::cross_entropy(out(lstm(embed(words), texts).output), next); },
                embed, lstm, out);
}

Row attention_by_hand() {
  const nn::Linear in(128, 3 * 128), out(128, 128);
  const Tensor x = normal({16, 128, 128}), later = triu(ones({128, 128}), 1) > 0;
  return trains(
      [=] {
        std::vector<Tensor> qkv = chunk(in(x), 3, -1);
        for (Tensor& each : qkv) each = transpose(reshape(each, {16, 128, 4, 32}), 1, 2);
        const Tensor scores = matmul(qkv[0], transpose(qkv[1])) / std::sqrt(32.0);
        const Tensor weights = softmax(masked_fill(scores, later, -kInfinity));
        const Tensor y = transpose(matmul(weights, qkv[2]), 1, 2);
        return mean(square(out(reshape(y, {16, 128, 128}))));
      },
      in, out);
}

Row transformer_layer() {
  const nn::TransformerEncoderLayer layer(128, 4, {.norm_first = false});
  const Tensor x = normal({16, 128, 128});
  return trains([=] { return mean(square(layer(x))); }, layer);
}

Row word_vectors() {
  const nn::Embedding centre(20000, 100), around(20000, 100);
  const Tensor words = randint(0, 20000, {512}), seen = randint(0, 20000, {512}),
               drawn = randint(0, 20000, {512, 5});
  return trains(
      [=] {
        const Tensor v = centre(words);
        const Tensor near = sum(v * around(seen), -1);
        const Tensor far = einsum("nd,nkd->nk", {v, around(drawn)});
        return mean(softplus(-near)) + mean(sum(softplus(far), 1));
      },
      centre, around);
}

Row autoencoder() {
  const nn::Sequential encode{nn::Linear(784, 400), relu, nn::Linear(400, 2 * 20)},
      decode{nn::Linear(20, 400), relu, nn::Linear(400, 784)};
  const Tensor x = uniform({64, 784});
  return trains(
      [=] {
        const std::vector<Tensor> code = chunk(encode(x), 2, 1);  // mean and log of the variance
        const Tensor z = code[0] + exp(code[1] / 2) * normal(code[0].shape());
        const Tensor apart = square(code[0]) + exp(code[1]) - 1 - code[1];
        return 784 * nn::bce_with_logits(decode(z), x) + mean(sum(apart, 1)) / 2;
      },
      encode, decode);
}

Row text_convolutions() {
  const nn::Embedding embed(10000, 64);
  const nn::Conv1d three(64, 64, 3), four(64, 64, 4), five(64, 64, 5);
  const nn::Linear out(3 * 64, 2);
  const Tensor words = randint(0, 10000, {32, 200}), labels = randint(0, 2, {32});
  return trains(
      [=] {
        const Tensor x = transpose(embed(words));
        const auto strongest = [&](const nn::Conv1d& conv) { return max(relu(conv(x)), -1); };
        const Tensor found = concat({strongest(three), strongest(four), strongest(five)}, 1);
        return nn::cross_entropy(out(found), labels);
      },
      embed, three, four, five, out);
}

const bool kAdded = [] {
  add("models/perceptron 2-16-2", tiny);
  add("models/perceptron 784-256-10", perceptron);
  add("models/convolutions of digits", digits);
  add("models/residual block", residual_block);
  add("models/LSTM by hand, 64 steps", recurrent_by_hand);
  add("models/LSTM language model", language);
  add("models/attention by hand", attention_by_hand);
  add("models/transformer layer", transformer_layer);
  add("models/word vectors", word_vectors);
  add("models/variational autoencoder", autoencoder);
  return add("models/convolutions of texts", text_convolutions);
}();

}  // namespace
}  // namespace gradus::bench
