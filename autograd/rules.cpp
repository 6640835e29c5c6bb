// The rules of differentiation as text, one op per line. The pullbacks themselves are beside each
// op's forward result.

#include <algorithm>
#include <map>
#include <vector>

#include "autograd/trace.h"

namespace gradus::graph {

namespace {

// For each input of the op; the last is for all that follow.
const std::map<std::string_view, std::vector<std::string_view>, std::less<>> kRules{
    // Elementwise
    {"add", {"g", "g"}},
    {"sub", {"g", "-g"}},
    {"mul", {"g * b", "g * a"}},
    {"div", {"g / b", "-g * y / b"}},
    {"neg", {"-g"}},
    {"square", {"2 g x"}},
    {"pow", {"g * b * a^(b - 1)", "g * y * log(a)"}},
    {"max", {"g where this is the largest, shared at ties"}},
    {"min", {"g where this is the least, shared at ties"}},
    {"exp", {"g * y"}},
    {"log", {"g / x"}},
    {"sqrt", {"g / (2 y)"}},
    {"abs", {"g * sign(x)"}},
    {"sign", {"0"}},
    {"floor", {"0"}},
    {"ceil", {"0"}},
    {"round", {"0"}},
    {"sin", {"g * cos(x)"}},
    {"cos", {"-g * sin(x)"}},
    {"tanh", {"g * (1 - y^2)"}},
    {"sigmoid", {"g * y * (1 - y)"}},
    {"relu", {"g where y > 0"}},
    {"gelu", {"g * (Phi(x) + x * phi(x)), of the normal distribution"}},
    {"erf", {"g * 2 / sqrt(pi) * e^(-x^2)"}},
    {"clamp", {"g where low <= x <= high"}},
    {"where", {"g where the condition holds", "g where it does not"}},
    {"cast", {"g in x's type"}},
    {"expm1", {"g * e^x"}},
    {"log1p", {"g / (1 + x)"}},
    {"softplus", {"g * sigmoid(x)"}},
    {"silu", {"g * (s + x * s * (1 - s)), s = sigmoid(x)"}},
    {"elu", {"g where x > 0, g * alpha * e^x elsewhere"}},
    {"leaky_relu", {"g where x > 0, g * slope elsewhere"}},
    {"mse", {"2 g d", "-2 g d"}},
    {"l1", {"g * sign(d)", "-g * sign(d)"}},
    {"smooth_l1", {"g * d / beta, no steeper than g", "the same, negative"}},
    {"bce_with_logits", {"g * ((1 - t) sigmoid(x) - t sigmoid(-x))", "-g * x"}},
    // Reductions
    {"sum", {"g, repeated"}},
    {"cumsum", {"the sum of g from here to the end"}},
    {"logsumexp", {"g * e^(x - y)"}},
    {"norm", {"g * x / y, 0 where y is"}},
    // Views
    {"reshape", {"g in x's shape"}},
    {"permute", {"g, its axes put back"}},
    {"slice", {"g with zeros around"}},
    {"embed", {"the part of g that x became"}},
    {"expand", {"g, summed over the repetitions"}},
    {"concat", {"the part of g that x became"}},
    {"flip", {"g, turned around"}},
    {"unfold", {"g, summed where windows overlap"}},
    {"contiguous", {"g"}},
    {"clone", {"g"}},
    {"input", {"g"}},
    // Products
    {"matmul", {"g b^T", "a^T g"}},
    {"linear", {"g f' weight", "(g f')^T x", "g f', summed over rows"}},
    {"squared_distance", {"2 (g's sum over b) a - 2 g b", "2 (g's sum over a) b - 2 g^T a"}},
    {"conv1d",
     {"g times the weights that saw this place", "g times the windows, summed",
      "g, summed over batch and windows"}},
    {"conv2d",
     {"g times the weights that saw this place", "g times the windows, summed",
      "g, summed over batch and windows"}},
    {"max_pool1d", {"g, to the largest x of each window"}},
    {"max_pool2d", {"g, to the largest x of each window"}},
    // Rows of tables
    {"gather", {"g, added to the rows that were read"}},
    {"gather_sum", {"g, added to every row of the bag"}},
    {"index_put", {"g but in the rows put", "the rows of g, of the last put into each"}},
    {"scatter_add", {"the rows of g that x was added to"}},
    // Normalisation; n is the normalised x, h = g * weight
    {"softmax", {"y * (g - sum(g * y))"}},
    {"log_softmax", {"g - e^y * sum(g)"}},
    {"segment_softmax", {"y * (g - sum(g * y)), sums over the segment"}},
    {"softmax_cross_entropy", {"g * (softmax(x) - one_hot(label))"}},
    {"layer_norm",
     {"(h - mean(h) - n * mean(h * n)) / deviation", "g * n, summed over rows",
      "g, summed over rows"}},
    {"batch_norm",
     {"(h - mean(h) - n * mean(h * n)) / deviation", "g * n, summed over each channel",
      "g, summed over each channel"}},
    {"dropout", {"g / (1 - p) where x was kept"}},
    // Attention; w are its weights, ds = w * (g v^T - sum(w * g v^T)) its scores' gradient
    {"pool", {"g . v", "w g, of the row's segment"}},
    {"attention", {"scale * ds k", "scale * ds^T q", "w^T g", "ds, summed over queries"}},
};

}  // namespace

std::string_view rule_of(std::string_view op, int place) {
  const auto found = kRules.find(op);
  if (found == kRules.end()) return {};
  return found->second[std::min(static_cast<std::size_t>(place), found->second.size() - 1)];
}

}  // namespace gradus::graph
