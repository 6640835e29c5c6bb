// Values and gradients against PyTorch's, which golden/make_golden.py wrote down.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "autograd/attention.h"
#include "autograd/gradcheck.h"
#include "gradus.h"

using namespace gradus;

namespace {

using In = const std::vector<Tensor>&;

Segments texts() { return Segments({0, 3, 3, 9}); }

Tensor mask(Backend& on) {
  const TensorOptions options{DType::f32, &on};
  return tensor({{1, 1, 0, 1}, {0, 1, 0, 0}, {1, 1, 1, 1}}, options) > 0;
}

// The pieces of [2, n] joined in the reverse order.
Tensor turned(std::vector<Tensor> pieces) {
  std::reverse(pieces.begin(), pieces.end());
  return concat(pieces, 1);
}

// The layer with x[next], x[next + 1], ... for its parameters.
template <class Layer>
Layer with_parameters(Layer layer, In x, std::size_t next) {
  layer.replace([&](const std::string&, const Tensor&) { return x[next++]; });
  return layer;
}

// What a recurrent layer says of each row of x[0], then its last states.
template <class Layer>
Tensor said_and_kept(const Layer& made, In x) {
  const Layer layer = with_parameters(made, x, 1);
  const auto [y, h, c] = layer(x[0], texts());
  std::vector<Tensor> all{flatten(y), flatten(h)};
  if (c.defined()) all.push_back(flatten(c));
  return concat(all, 0);
}

Tensor decoded(bool norm_first, In x) {
  const nn::TransformerDecoderLayer layer(4, 2,
                                          {.hidden = 5, .dropout = 0, .norm_first = norm_first});
  return with_parameters(layer, x, 2)(x[0], x[1]);
}

const std::map<std::string, TensorFunction> kFunctions{
    {"add", [](In x) { return x[0] + x[1]; }},
    {"sub", [](In x) { return x[0] - x[1]; }},
    {"mul", [](In x) { return x[0] * x[1]; }},
    {"div", [](In x) { return x[0] / x[1]; }},
    {"pow", [](In x) { return pow(x[0], x[1]); }},
    {"maximum", [](In x) { return maximum(x[0], x[1]); }},
    {"minimum", [](In x) { return minimum(x[0], x[1]); }},
    {"exp", [](In x) { return exp(x[0]); }},
    {"log", [](In x) { return log(x[0]); }},
    {"sqrt", [](In x) { return sqrt(x[0]); }},
    {"abs", [](In x) { return abs(x[0]); }},
    {"sin", [](In x) { return sin(x[0]); }},
    {"cos", [](In x) { return cos(x[0]); }},
    {"tanh", [](In x) { return tanh(x[0]); }},
    {"sigmoid", [](In x) { return sigmoid(x[0]); }},
    {"relu", [](In x) { return relu(x[0]); }},
    {"gelu", [](In x) { return gelu(x[0]); }},
    {"erf", [](In x) { return erf(x[0]); }},
    {"clamp", [](In x) { return clamp(x[0], -1.5, 0.75); }},
    {"where", [](In x) { return where(mask(x[0].backend()), x[0], x[1]); }},
    {"sum",
     [](In x) {
       return sum(x[0], {0, 2});
     }},
    {"mean", [](In x) { return mean(x[0], 1); }},
    {"max", [](In x) { return max(x[0], -1); }},
    {"min", [](In x) { return min(x[0], 0); }},
    {"logsumexp", [](In x) { return logsumexp(x[0], 1); }},
    {"var", [](In x) { return var(x[0], 1); }},
    {"var biased", [](In x) { return var(x[0], {}, false, 0); }},
    {"matmul", [](In x) { return matmul(x[0], x[1]); }},
    {"matmul batched", [](In x) { return matmul(x[0], x[1]); }},
    {"linear", [](In x) { return linear(x[0], x[1], x[2]); }},
    {"squared_distance", [](In x) { return squared_distance(x[0], x[1]); }},
    {"softmax", [](In x) { return softmax(x[0]); }},
    {"softmax first axis", [](In x) { return softmax(x[0], 0); }},
    {"log_softmax", [](In x) { return log_softmax(x[0]); }},
    {"layer_norm", [](In x) { return layer_norm(x[0], x[1], x[2]); }},
    {"conv1d", [](In x) { return conv1d(x[0], x[1], x[2]); }},
    {"conv1d strided", [](In x) { return conv1d(x[0], x[1], x[2], {.stride = 2, .padding = 2}); }},
    {"max_pool1d", [](In x) { return max_pool1d(x[0], 3); }},
    {"max_pool1d overlapping", [](In x) { return max_pool1d(x[0], 3, 2); }},
    {"avg_pool1d", [](In x) { return avg_pool1d(x[0], 3, 2); }},
    {"unfold", [](In x) { return unfold(x[0], 1, 3, 2); }},
    {"permute",
     [](In x) {
       return square(permute(x[0], {2, 0, 1}));
     }},
    {"slice", [](In x) { return square(slice(x[0], 1, 1, {}, 3)); }},
    {"concat",
     [](In x) {
       return square(concat({x[0], x[1], x[0]}, 1));
     }},
    {"gather", [](In x) { return square(gather(x[0], x[1])); }},
    {"scatter_add", [](In x) { return square(scatter_add(x[0], x[1], 4)); }},
    {"cross_entropy", [](In x) { return -mean(pick(log_softmax(x[0]), x[1])); }},
    {"mse", [](In x) { return mean(square(x[0] - x[1])); }},
    // -(t log s(z) + (1 - t) log(1 - s(z))) = log(1 + e^z) - t z
    {"bce_with_logits",
     [](In x) {
       const Tensor &z = x[0], &t = x[1];
       return mean(relu(z) - t * z + log(1 + exp(-abs(z))));
     }},
    {"attention dot", [](In x) { return attention(x[0], x[1], x[2]); }},
    {"attention euclidean",
     [](In x) { return attention(x[0], x[1], x[2], {.score = Score::euclidean}); }},
    {"attention additive",
     [](In x) { return attention(x[0], x[1], x[2], {.score = Score::additive, .weight = x[3]}); }},
    {"attention masked",
     [](In x) { return attention(x[0], x[1], x[2], {.mask = mask(x[0].backend())}); }},
    {"attention causal", [](In x) { return attention(x[0], x[1], x[2], {.causal = true}); }},
    {"attention packed", [](In x) { return attention(x[0], x[1], x[2], texts()); }},
    {"segment_mean", [](In x) { return segment_mean(x[0], texts()); }},
    {"expm1", [](In x) { return expm1(x[0]); }},
    {"log1p", [](In x) { return log1p(x[0]); }},
    {"softplus", [](In x) { return softplus(x[0]); }},
    {"silu", [](In x) { return silu(x[0]); }},
    {"elu", [](In x) { return elu(x[0], 1.5); }},
    {"leaky_relu", [](In x) { return leaky_relu(x[0], 0.2); }},
    {"masked_fill", [](In x) { return masked_fill(x[0], mask(x[0].backend()), 2); }},
    {"tril", [](In x) { return tril(x[0], 1); }},
    {"triu", [](In x) { return triu(x[0], -1); }},
    {"cumsum", [](In x) { return square(cumsum(x[0], 1)); }},
    {"flip",
     [](In x) {
       return flip(x[0], {0, 2}) * x[0];
     }},
    {"split", [](In x) { return turned(split(x[0], 3, 1)) * x[0]; }},
    {"chunk", [](In x) { return turned(chunk(x[0], 3, 1)) * x[0]; }},
    {"index_select", [](In x) { return square(index_select(x[0], 1, x[1])); }},
    {"take_along_dim", [](In x) { return square(take_along_dim(x[0], x[1], 1)); }},
    {"scatter",
     [](In x) {
       const Tensor at = tensor({{4, 0}, {1, 2}, {3, 1}}, {DType::i32, &x[0].backend()});
       return square(scatter(x[0], 1, at, x[1]));
     }},
    {"index_put",
     [](In x) {
       return square(index_put(x[0], tensor({3, 0}, {DType::i32, &x[0].backend()}), x[1]));
     }},
    {"sort",
     [](In x) {
       const Tensor place = arange(7, {x[0].dtype(), &x[0].backend()}) + 1;
       return square(sort(x[0], 1).values) * place;
     }},
    {"topk", [](In x) { return square(topk(x[0], 3, 0).values); }},
    {"einsum batched",
     [](In x) {
       return einsum("bij,bjk->bki", {x[0], x[1]});
     }},
    {"einsum dots",
     [](In x) {
       return einsum("...ii,jk->...ki", {x[0], x[1]});
     }},
    {"einsum three",
     [](In x) {
       return einsum("bi,ij,bj", {x[0], x[1], x[2]});
     }},
    {"cross_entropy ignoring",
     [](In x) { return nn::cross_entropy(x[0], x[1], {.ignore_index = 1}); }},
    {"cross_entropy smoothed",
     [](In x) {
       return nn::cross_entropy(x[0], x[1], {.weight = x[2].detach(), .label_smoothing = 0.2});
     }},
    {"nll_loss", [](In x) { return nn::nll_loss(log_softmax(x[0]), x[1]); }},
    {"kl_div", [](In x) { return nn::kl_div(log_softmax(x[0]), softmax(x[1])); }},
    {"multi_margin_loss", [](In x) { return nn::multi_margin_loss(x[0], x[1], 0.7); }},
    // PyTorch's hinge_embedding_loss of d, label -1: max(0, 1 - d)
    {"hinge_loss",
     [](In x) {
       const Tensor all = ones(x[0].shape(), {x[0].dtype(), &x[0].backend()});
       return nn::hinge_loss(1 - x[0], all);
     }},
    {"l1_loss", [](In x) { return nn::l1_loss(x[0], x[1]); }},
    {"smooth_l1_loss", [](In x) { return nn::smooth_l1_loss(x[0], x[1], 1.7); }},
    {"conv2d", [](In x) { return conv2d(x[0], x[1], x[2]); }},
    {"conv2d strided",
     [](In x) {
       return conv2d(x[0], x[1], x[2], {.stride = {2, 3}, .padding = {1, 2}});
     }},
    {"max_pool2d",
     [](In x) {
       return max_pool2d(x[0], {3, 2}, {2, 1});
     }},
    {"avg_pool2d",
     [](In x) {
       return avg_pool2d(x[0], {2, 3}, 2);
     }},
    {"LSTM", [](In x) { return said_and_kept(nn::LSTM(3, 2), x); }},
    {"GRU", [](In x) { return said_and_kept(nn::GRU(3, 2), x); }},
    {"LSTM of two layers, both ways",
     [](In x) { return said_and_kept(nn::LSTM(3, 2, {.layers = 2, .bidirectional = true}), x); }},
    {"decoder layer", [](In x) { return decoded(false, x); }},
    {"decoder layer, norm first", [](In x) { return decoded(true, x); }},
    {"batch_norm",
     [](In x) {
       const Axes but_channels{0, 2};
       return batch_norm(x[0], mean(x[0], but_channels), var(x[0], but_channels, false, 0), x[1],
                         x[2]);
     }},
    {"batch_norm of images", [](In x) { return batch_norm_training(x[0], x[1], x[2]).y; }},
};

Shape shape_of(const nlohmann::json& packed) {
  return Shape(packed["shape"].get<std::vector<std::int64_t>>());
}

Tensor unpack(const nlohmann::json& packed, DType dtype, Backend& on) {
  const bool whole = !packed["data"].empty() && packed["data"][0].is_number_integer();
  const Tensor x = from_vector(packed["data"].get<std::vector<double>>(), shape_of(packed), &on);
  return cast(x, whole ? DType::i32 : dtype);
}

void check_close(const Tensor& found, const nlohmann::json& packed, double tolerance) {
  CHECK(found.shape() == shape_of(packed));
  const std::vector<double> values = found.to_vector<double>();
  const auto expected = packed["data"].get<std::vector<double>>();
  REQUIRE(values.size() == expected.size());
  double largest = 1;
  for (double e : expected) largest = std::max(largest, std::abs(e));
  for (std::size_t i = 0; i < values.size(); ++i) {
    INFO("number " << i << ": " << values[i] << ", PyTorch " << expected[i]);
    CHECK(std::abs(values[i] - expected[i]) <= tolerance * largest);
  }
}

}  // namespace

TEST_CASE("values and gradients agree with PyTorch's on every backend") {
  std::ifstream in(std::string(GRADUS_TEST_DATA) + "/golden/golden.json");
  REQUIRE(in);
  const nlohmann::json golden = nlohmann::json::parse(in);
  CHECK(golden["cases"].size() == kFunctions.size());
  for (const nlohmann::json& c : golden["cases"]) {
    const auto name = c["name"].get<std::string>();
    REQUIRE(kFunctions.count(name) == 1);
    for (const std::string on : {"reference", "cpu"}) {
      for (const DType dtype : {DType::f64, DType::f32}) {
        INFO(name << " on " << on << " in " << std::string(name_of(dtype)));
        // Of the largest number, since sums round in proportion to their largest term. f64: the
        // file has 15 digits, and torch.cdist goes through a square root that we do not take. f32:
        // inputs and some ten steps are rounded to 6e-8 each.
        const double tolerance = dtype == DType::f64 ? 1e-12 : 2e-6;
        std::vector<Tensor> inputs, leaves;
        for (const nlohmann::json& x : c["inputs"]) {
          inputs.push_back(unpack(x, dtype, backend(on)));
          if (is_floating(inputs.back().dtype())) {
            leaves.push_back(inputs.back().set_requires_grad());
          }
        }
        const Tensor y = kFunctions.at(name)(inputs);
        check_close(y, c["output"], tolerance);
        const Tensor weights = unpack(c["weights"], dtype, backend(on));
        const std::vector<Tensor> gradients = grad({y}, leaves, {.gradient = weights});
        for (std::size_t i = 0; i < leaves.size(); ++i) {
          INFO("gradient " << i);
          check_close(gradients[i], c["gradients"][i], tolerance);
        }
      }
    }
  }
}
