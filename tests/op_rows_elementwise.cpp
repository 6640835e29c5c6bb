// The rows of elementwise operations and reductions.
#include "autograd/ops.h"
#include "tests/op_table.h"

namespace gradus {

namespace {

using In = const std::vector<Tensor>&;

const std::vector<Shapes> kUnaryShapes{{{2, 3}}, {{}}, {{7}}, {{2, 0, 3}}};
const std::vector<Shapes> kBinaryShapes{{{2, 3}, {2, 3}},    {{2, 3}, {3}}, {{2, 1}, {1, 3}},
                                        {{2, 1, 2}, {3, 1}}, {{}, {2, 2}},  {{0, 3}, {3}},
                                        {{0, 3}, {1, 1}},    {{}, {}}};
const std::vector<Shapes> kMatrixShapes{{{3, 3}}, {{2, 4}}, {{2, 3, 2}}, {{0, 3}}, {{2, 0}}};
const std::vector<Shapes> kReduceShapes{{{2, 3}}, {{2, 3, 2}}};
const std::vector<Shapes> kSumShapes{{{2, 3}}, {{2, 3, 2}}, {{0, 3}}, {{2, 0}}};
}  // namespace

std::vector<OpRow> elementwise_rows() {
  const auto none = Derivatives::none;
  return {
      {"operator+", [](In x) { return x[0] + x[1]; }, {kReal, kReal}, kBinaryShapes},
      {"operator-", [](In x) { return x[0] - x[1]; }, {kReal, kReal}, kBinaryShapes},
      {"operator*", [](In x) { return x[0] * x[1]; }, {kReal, kReal}, kBinaryShapes},
      {"operator/", [](In x) { return x[0] / x[1]; }, {kReal, kReal}, kBinaryShapes},
      {"operator*: of one tensor", [](In x) { return x[0] * x[0]; }, {kReal}, kUnaryShapes},
      {"operator+: numbers", [](In x) { return 3 + x[0] + 0.5; }, {kReal}, kUnaryShapes},
      {"operator-: numbers", [](In x) { return 3 - x[0] - 0.5; }, {kReal}, kUnaryShapes},
      {"operator*: numbers", [](In x) { return 3 * x[0] * 0.5; }, {kReal}, kUnaryShapes},
      {"operator/: numbers", [](In x) { return 3 / x[0] / 0.5; }, {kReal}, kUnaryShapes},
      {"operator-: unary", [](In x) { return -x[0]; }, {kReal}, kUnaryShapes},
      {"operator+=",
       [](In x) {
         Tensor y = x[0];
         return y += x[1];
       },
       {kReal, kReal},
       kBinaryShapes},
      {"operator-=",
       [](In x) {
         Tensor y = x[0];
         return y -= x[1];
       },
       {kReal, kReal},
       kBinaryShapes},
      {"operator*=",
       [](In x) {
         Tensor y = x[0];
         return y *= x[1];
       },
       {kReal, kReal},
       kBinaryShapes},
      {"operator/=",
       [](In x) {
         Tensor y = x[0];
         return y /= x[1];
       },
       {kReal, kReal},
       kBinaryShapes},
      {"pow", [](In x) { return pow(x[0], x[1]); }, {kPositive, kReal}, kBinaryShapes},
      {"pow: whole exponent", [](In x) { return pow(x[0], 3); }, {kReal}, kUnaryShapes},
      {"pow: number base", [](In x) { return pow(2, x[0]); }, {kReal}, kUnaryShapes},
      {"maximum", [](In x) { return maximum(x[0], x[1]); }, {kDistinct, kDistinct}, kBinaryShapes},
      {"minimum", [](In x) { return minimum(x[0], x[1]); }, {kDistinct, kDistinct}, kBinaryShapes},
      {"exp", [](In x) { return exp(x[0]); }, {kReal}, kUnaryShapes},
      {"log", [](In x) { return log(x[0]); }, {kPositive}, kUnaryShapes},
      {"sqrt", [](In x) { return sqrt(x[0]); }, {kPositive}, kUnaryShapes},
      {"abs", [](In x) { return abs(x[0]); }, {kReal}, kUnaryShapes},
      {"sin", [](In x) { return sin(x[0]); }, {kReal}, kUnaryShapes},
      {"cos", [](In x) { return cos(x[0]); }, {kReal}, kUnaryShapes},
      {"tanh", [](In x) { return tanh(x[0]); }, {kReal}, kUnaryShapes},
      {"sigmoid", [](In x) { return sigmoid(x[0]); }, {kReal}, kUnaryShapes},
      {"relu", [](In x) { return relu(x[0]); }, {kReal}, kUnaryShapes},
      {"gelu", [](In x) { return gelu(x[0]); }, {kReal}, kUnaryShapes},
      {"erf", [](In x) { return erf(x[0]); }, {kReal}, kUnaryShapes},
      {"square", [](In x) { return square(x[0]); }, {kReal}, kUnaryShapes},
      {"sign", [](In x) { return sign(x[0]); }, {kReal}, kUnaryShapes},
      {"clamp", [](In x) { return clamp(x[0], -0.8, 0.9); }, {kDistinct}, kUnaryShapes},
      {"expm1", [](In x) { return expm1(x[0]); }, {kReal}, kUnaryShapes},
      {"log1p", [](In x) { return log1p(x[0]); }, {{Domain::real, -0.9, 3}}, kUnaryShapes},
      {"softplus", [](In x) { return softplus(x[0]); }, {kReal}, kUnaryShapes},
      {"silu", [](In x) { return silu(x[0]); }, {kReal}, kUnaryShapes},
      {"elu", [](In x) { return elu(x[0], 1.5); }, {kReal}, kUnaryShapes},
      {"leaky_relu", [](In x) { return leaky_relu(x[0], 0.2); }, {kReal}, kUnaryShapes},
      {"where",
       [](In x) { return where(x[0], x[1], x[2]); },
       {kMask, kReal, kReal},
       {{{2, 3}, {2, 3}, {2, 3}}, {{2, 1}, {3}, {}}, {{3}, {2, 1}, {2, 3}}, {{0, 1}, {0, 2}, {}}}},
      {"masked_fill",
       [](In x) { return masked_fill(x[0], x[1], 3); },
       {kReal, kMask},
       {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{2, 2, 3}, {2, 1, 1}}, {{0, 3}, {3}}, {{}, {}}}},
      {"tril", [](In x) { return tril(x[0]); }, {kReal}, kMatrixShapes},
      {"tril: above", [](In x) { return tril(x[0], 1); }, {kReal}, kMatrixShapes},
      {"triu", [](In x) { return triu(x[0]); }, {kReal}, kMatrixShapes},
      {"triu: below", [](In x) { return triu(x[0], -1); }, {kReal}, kMatrixShapes},
      {"operator==",
       [](In x) { return x[0] == x[1]; },
       {index_below(2), index_below(3)},
       kBinaryShapes,
       none},
      {"operator!=",
       [](In x) { return x[0] != x[1]; },
       {index_below(2), index_below(3)},
       kBinaryShapes,
       none},
      {"operator<", [](In x) { return x[0] < x[1]; }, {kReal, kReal}, kBinaryShapes, none},
      {"operator<=",
       [](In x) { return x[0] <= x[1]; },
       {index_below(2), index_below(3)},
       kBinaryShapes,
       none},
      {"operator>", [](In x) { return x[0] > x[1]; }, {kReal, kReal}, kBinaryShapes, none},
      {"operator>=", [](In x) { return x[0] >= 0.5; }, {kReal}, kUnaryShapes, none},
      {"logical_and",
       [](In x) { return logical_and(x[0], x[1] > 0); },
       {kMask, kReal},
       kBinaryShapes,
       none},
      {"logical_or",
       [](In x) { return logical_or(x[0], x[1] > 0); },
       {kMask, kReal},
       kBinaryShapes,
       none},
      {"logical_not", [](In x) { return logical_not(x[0]); }, {kMask}, kUnaryShapes, none},
      {"cast", [](In x) { return cast(x[0], DType::f64) * 2; }, {kReal}, kUnaryShapes},
      {"cast: to i32", [](In x) { return cast(x[0], DType::i32); }, {kReal}, kUnaryShapes, none},
      {"cast: from boolean",
       [](In x) { return cast(x[0], DType::f32); },
       {kMask},
       kUnaryShapes,
       none},
  };
}

std::vector<OpRow> reduction_rows() {
  return {
      {"sum", [](In x) { return sum(x[0], 1); }, {kReal}, kSumShapes},
      {"sum: all", [](In x) { return sum(x[0]); }, {kReal}, {{{2, 3}}, {{}}, {{0, 2}}}},
      {"sum: keep",
       [](In x) {
         return sum(x[0], {0, -1}, true);
       },
       {kReal},
       kSumShapes},
      {"mean", [](In x) { return mean(x[0], -1); }, {kReal}, {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}},
      {"mean: all", [](In x) { return mean(x[0]); }, {kReal}, kReduceShapes},
      {"max", [](In x) { return max(x[0], 1); }, {kDistinct}, {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}},
      {"max: keep",
       [](In x) {
         return max(x[0], {0, 1}, true);
       },
       {kDistinct},
       kReduceShapes},
      {"min", [](In x) { return min(x[0], -1); }, {kDistinct}, {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}},
      {"min: all", [](In x) { return min(x[0]); }, {kDistinct}, {{{2, 3}}, {{}}}},
      {"argmax",
       [](In x) { return argmax(x[0], 1); },
       {kDistinct},
       {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}},
       Derivatives::none},
      {"argmax: ties",
       [](In x) { return argmax(sign(x[0]), 0, true); },
       {kReal},
       kReduceShapes,
       Derivatives::none},
      {"logsumexp",
       [](In x) { return logsumexp(x[0], 1); },
       {kReal},
       {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}},
      {"logsumexp: all", [](In x) { return logsumexp(x[0]); }, {kReal}, {{{2, 3}}, {{}}}},
      {"var", [](In x) { return var(x[0], 1); }, {kReal}, {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}},
      {"var: all, n", [](In x) { return var(x[0], {}, true, 0); }, {kReal}, kReduceShapes},
      {"cumsum",
       [](In x) { return square(cumsum(x[0], 1)); },
       {kReal},
       {{{2, 3}}, {{2, 5, 2}}, {{3, 1}}, {{0, 3}}, {{2, 0}}}},
      {"cumsum: first axis", [](In x) { return cumsum(x[0], -2); }, {kReal}, {{{4, 2}}}},
      {"sum_to",
       [](In x) {
         return sum_to(x[0], {3, 1});
       },
       {kReal},
       {{{2, 3, 2}}, {{3, 2}}, {{3, 1}}, {{0, 3, 2}}}},
  };
}

}  // namespace gradus
