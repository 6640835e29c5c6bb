// Values and gradients against PyTorch's, which golden/make_golden.py wrote down.

#include <doctest/doctest.h>

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
