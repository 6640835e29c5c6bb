// The rows of views, products, tables and layers' operations.
#include "autograd/ops.h"
#include "tensor/random.h"
#include "tests/op_table.h"

namespace gradus {

namespace {

using In = const std::vector<Tensor>&;

const std::vector<Shapes> kUnaryShapes{{{2, 3}}, {{}}, {{7}}, {{2, 0, 3}}};
const std::vector<Shapes> kRowsShapes{{{3, 4}}, {{2, 2, 3}}, {{0, 4}}, {{2, 1}}};

}  // namespace

std::vector<OpRow> view_rows() {
  // Each is multiplied by something that differs from element to element, so that a gradient that
  // lands in the wrong place shows.
  std::vector<OpRow> rows{
      {"reshape",
       [](In x) {
         return reshape(x[0], {3, -1});
       },
       {kReal},
       {{{2, 3}}, {{2, 3, 2}}, {{3, 1}}, {{0, 2}}}},
      {"flatten",
       [](In x) { return flatten(x[0], 1); },
       {kReal},
       {{{2, 3, 2}}, {{2, 3}}, {{0, 2, 2}}}},
      {"permute",
       [](In x) {
         return permute(x[0], {2, 0, 1});
       },
       {kReal},
       {{{2, 3, 2}}, {{1, 2, 3}}, {{2, 0, 1}}}},
      {"transpose",
       [](In x) { return transpose(x[0]); },
       {kReal},
       {{{2, 3}}, {{2, 3, 2}}, {{0, 3}}}},
      {"slice",
       [](In x) { return slice(x[0], 1, 1, -1); },
       {kReal},
       {{{2, 4}}, {{2, 3, 2}}, {{0, 4}}, {{2, 2}}}},
      {"slice: step",
       [](In x) { return slice(x[0], 0, -4, {}, 2); },
       {kReal},
       {{{5}}, {{4, 2}}, {{0, 3}}, {{3, 2}}}},
      {"select",
       [](In x) { return select(x[0], -1, -2); },
       {kReal},
       {{{2, 3}}, {{2}}, {{0, 3}}, {{2, 2, 2}}}},
      {"expand",
       [](In x) {
         return expand(x[0], {2, 3, 2});
       },
       {kReal},
       {{{3, 1}}, {{}}, {{2, 1, 2}}, {{2}}}},
      {"expand: sizes kept",
       [](In x) {
         return expand(x[0], {2, -1, 3, -1});
       },
       {kReal},
       {{{2, 1, 2}}, {{3, 1, 1}}, {{0, 3, 2}}}},
      {"expand: to nothing",
       [](In x) {
         return expand(x[0], {0, 3});
       },
       {kReal},
       {{{3}}, {{1, 1}}}},
      {"squeeze",
       [](In x) { return squeeze(x[0], 1); },
       {kReal},
       {{{2, 1}}, {{3, 1, 2}}, {{0, 1}}}},
      {"unsqueeze", [](In x) { return unsqueeze(x[0], -1); }, {kReal}, kUnaryShapes},
      {"concat",
       [](In x) {
         return concat({x[0], x[1], x[0]}, 1);
       },
       {kReal, kReal},
       {{{2, 3}, {2, 1}}, {{2, 0}, {2, 2}}, {{2, 1, 2}, {2, 2, 2}}}},
      {"stack",
       [](In x) {
         return stack({x[0], x[1]}, 1);
       },
       {kReal, kReal},
       {{{2, 3}, {2, 3}}, {{2}, {2}}, {{0, 2}, {0, 2}}}},
      {"pad",
       [](In x) { return pad(x[0], -1, 1, 2); },
       {kReal},
       {{{2, 3}}, {{2}}, {{2, 0}}, {{0, 2}}}},
      {"unfold",
       [](In x) { return unfold(x[0], 1, 3, 1); },
       {kReal},
       {{{2, 5}}, {{2, 3, 2}}, {{0, 4}}}},
      {"unfold: apart", [](In x) { return unfold(x[0], -1, 2, 3); }, {kReal}, {{{2, 6}}, {{7}}}},
      {"split",
       [](In x) {
         const std::vector<Tensor> pieces = split(x[0], 2, 1);
         return concat({pieces.back(), square(pieces.front())}, 1);
       },
       {kReal},
       {{{2, 5}}, {{2, 4, 2}}, {{3, 1}}, {{0, 3}}, {{2, 0}}}},
      {"split: sizes",
       [](In x) {
         const std::vector<Tensor> pieces = split(x[0], {1, 0, 2}, -1);
         return concat({pieces[2], pieces[1], pieces[0], pieces[2]}, -1);
       },
       {kReal},
       {{{2, 3}}, {{3}}, {{0, 3}}}},
      {"chunk",
       [](In x) {
         return concat({chunk(x[0], 3).back(), x[0]}, 0);
       },
       {kReal},
       {{{6}}, {{5, 2}}, {{2, 3}}, {{0, 2}}}},
      {"flip", [](In x) { return flip(x[0], -1); }, {kReal}, {{{2, 3}}, {{4}}, {{2, 0}}, {{0, 2}}}},
      {"flip: all", [](In x) { return flip(x[0], {}); }, {kReal}, {{{2, 3, 2}}, {{}}}},
      {"clone", [](In x) { return clone(x[0]); }, {kReal}, kUnaryShapes},
      {"contiguous",
       [](In x) { return contiguous(transpose(x[0])); },
       {kReal},
       {{{2, 3}}, {{0, 3}}}},
  };
  for (OpRow& row : rows) {
    row.f = [view = row.f](In x) {
      const Tensor y = view(x);
      const Tensor place = reshape(arange(y.numel(), {y.dtype(), &y.backend()}), y.shape());
      return y * (place + 1) + square(y);
    };
  }
  return rows;
}

std::vector<OpRow> product_rows() {
  return {
      {"matmul",
       [](In x) { return matmul(x[0], x[1]); },
       {kReal, kReal},
       {{{2, 3}, {3, 2}},
        {{2, 2, 3}, {3, 1}},
        {{2, 3}, {2, 3, 2}},
        {{2, 1, 2, 3}, {2, 3, 1}},
        {{1, 1}, {1, 1}},
        {{0, 3}, {3, 2}},
        {{2, 0}, {0, 2}},
        {{2, 3}, {3, 0}},
        {{0, 2, 3}, {3, 2}},
        {{0, 2, 3}, {0, 3, 2}}}},
      {"linear",
       [](In x) { return linear(x[0], x[1], x[2]); },
       {kReal, kReal, kReal},
       {{{2, 3}, {2, 3}, {2}},
        {{3}, {2, 3}, {2}},
        {{2, 2, 2}, {3, 2}, {3}},
        {{0, 3}, {2, 3}, {2}}}},
      {"linear: without bias",
       [](In x) { return linear(x[0], x[1]); },
       {kReal, kReal},
       {{{2, 3}, {2, 3}}}},
      {"linear: tanh",
       [](In x) { return linear(x[0], x[1], x[2], UnaryOp::tanh); },
       {kReal, kReal, kReal},
       {{{3, 2}, {4, 2}, {4}}, {{0, 2}, {4, 2}, {4}}, {{2, 0}, {3, 0}, {3}}}},
      {"linear: sigmoid, without bias",
       [](In x) { return linear(x[0], x[1], {}, UnaryOp::sigmoid); },
       {kReal, kReal},
       {{{3, 2}, {4, 2}}}},
      {"linear: gelu",
       [](In x) { return linear(x[0], x[1], x[2], UnaryOp::gelu); },
       {kReal, kReal, kReal},
       {{{3, 2}, {4, 2}, {4}}}},
      {"linear: relu",  // of sums that are at least 0.5, and of those less 20
       [](In x) {
         const Tensor y = linear(x[0], x[1], x[2], UnaryOp::relu);
         return concat({y, linear(x[0], x[1], x[2] - 20, UnaryOp::relu)}, 0);
       },
       {kPositive, kPositive, kPositive},
       {{{3, 2}, {4, 2}, {4}}}},
      {"einsum",
       [](In x) {
         return einsum("bij,bjk->bik", {x[0], x[1]});
       },
       {kReal, kReal},
       {{{2, 3, 2}, {2, 2, 3}}, {{1, 2, 2}, {3, 2, 1}}, {{0, 2, 3}, {0, 3, 2}}}},
      {"einsum: no arrow, an axis of one side",
       [](In x) {
         return einsum("ji, ik", {x[0], x[1]}) + einsum("ij,ijk->j", {x[0], unsqueeze(x[1], 1)});
       },
       {kReal, kReal},
       {{{2, 2}, {2, 2}}}},
      {"einsum: dots, diagonals",
       [](In x) {
         return einsum("...ii,j...->j...i", {x[0], x[1]}) + einsum("...aa->...", {x[0]});
       },
       {kReal, kReal},
       {{{2, 2}, {3}}}},
      {"einsum: dots that broadcast",
       [](In x) {
         return einsum("...ij,...kj->k...i", {x[0], x[1]});
       },
       {kReal, kReal},
       {{{2, 1, 2, 3}, {3, 2, 3}}, {{2, 3}, {2, 4, 3}}}},
      {"einsum: three",
       [](In x) {
         return einsum("bq,bk,bqk->bk", {x[0], x[1], x[2]});
       },
       {kReal, kReal, kReal},
       {{{2, 3}, {2, 2}, {2, 3, 2}}}},
      {"squared_distance",
       [](In x) { return squared_distance(x[0], x[1]); },
       {kReal, kReal},
       {{{2, 3}, {3, 3}}, {{2, 2, 2}, {2, 1, 2}}, {{2, 2}, {2, 3, 2}}, {{0, 2}, {3, 2}}}},
      {"gather",
       [](In x) { return square(gather(x[0], x[1])); },
       {kReal, rows_below(3)},
       {{{3, 2}, {5}},
        {{3}, {2, 2}},
        {{3, 2}, {}},
        {{3, 1, 2}, {3}},
        {{3, 2}, {0}},
        {{3, 0}, {2}}}},
      // The table's gradient: sparse from both gathers, dense from the product.
      {"gather: twice",
       [](In x) { return sum(gather(x[0], x[1])) * sum(gather(x[0], x[2])) * x[0]; },
       {kReal, rows_below(3), index_below(2)},
       {{{3, 2}, {4}, {2}}}},
      {"scatter_add",
       [](In x) { return square(scatter_add(x[0], x[1], 4)); },
       {kReal, rows_below(4)},
       {{{6, 2}, {6}}, {{2, 3}, {2, 3}}, {{2}, {}}, {{0, 2}, {0}}, {{2, 0}, {2}}}},
      {"pick",
       [](In x) { return square(pick(x[0], x[1])); },
       {kReal, index_below(3)},
       {{{2, 3}, {2}}, {{4, 3}, {4}}, {{0, 3}, {0}}}},
      {"one_hot",
       [](In x) { return one_hot(x[0], 3); },
       {index_below(3)},
       {{{4}}, {{2, 2}}, {{}}, {{0}}},
       Derivatives::none},
      {"softmax", [](In x) { return softmax(x[0]); }, {kReal}, kRowsShapes},
      {"softmax: axis", [](In x) { return softmax(x[0], 0); }, {kReal}, kRowsShapes},
      {"log_softmax", [](In x) { return log_softmax(x[0]); }, {kReal}, kRowsShapes},
      {"log_softmax: axis", [](In x) { return log_softmax(x[0], 0); }, {kReal}, kRowsShapes},
      {"softmax_cross_entropy",
       [](In x) { return square(softmax_cross_entropy(x[0], x[1])); },
       {kReal, index_below(3)},
       {{{2, 3}, {2}}, {{19, 3}, {19}}, {{2, 20}, {2}}, {{0, 3}, {0}}}},
      {"layer_norm",
       [](In x) { return layer_norm(x[0], x[1], x[2]); },
       {kReal, kReal, kReal},
       {{{2, 4}, {4}, {4}}, {{2, 2, 3}, {3}, {3}}, {{3}, {3}, {3}}, {{0, 3}, {3}, {3}}}},
      {"layer_norm: plain",
       [](In x) { return layer_norm(x[0], {}, {}, 1e-3); },
       {kReal},
       {{{2, 4}}}},
      {"layer_norm: bias only",
       [](In x) { return layer_norm(x[0], {}, x[1]); },
       {kReal, kReal},
       {{{2, 4}, {4}}}},
      {"batch_norm",
       [](In x) { return batch_norm(x[0], x[1], x[2], x[3], x[4], 1e-3); },
       {kReal, kReal, kPositive, kReal, kReal},
       {{{3, 2}, {2}, {2}, {2}, {2}},
        {{2, 3, 2}, {3}, {3}, {3}, {3}},
        {{0, 2}, {2}, {2}, {2}, {2}}}},
      {"batch_norm_training",
       [](In x) { return batch_norm_training(x[0], x[1], x[2], 1e-3).y; },
       {kReal, kReal, kReal},
       {{{2, 3, 2, 4}, {3}, {3}}, {{4, 2}, {2}, {2}}, {{1, 1, 9}, {1}, {1}}}},
      {"batch_norm_training: plain",
       [](In x) { return batch_norm_training(x[0]).y; },
       {kReal},
       {{{3, 2, 8}}}},
      {"batch_norm: of the batch, plain",
       [](In x) {
         return batch_norm(x[0], mean(x[0], {0, 2, 3}), var(x[0], {0, 2, 3}, false, 0));
       },
       {kReal},
       {{{2, 2, 2, 3}}}},
      {"dropout",
       [](In x) {
         manual_seed(7);
         return dropout(x[0], 0.4);
       },
       {kReal},
       {{{3, 4}}, {{2, 2, 3}}, {{0, 4}}, {{}}}},
      {"conv1d",
       [](In x) { return conv1d(x[0], x[1], x[2], {.stride = 2, .padding = 1}); },
       {kReal, kReal, kReal},
       {{{2, 2, 5}, {3, 2, 3}, {3}}, {{1, 1, 2}, {1, 1, 2}, {1}}, {{0, 2, 4}, {2, 2, 2}, {2}}}},
      {"conv1d: plain",
       [](In x) { return conv1d(x[0], x[1]); },
       {kReal, kReal},
       {{{1, 2, 4}, {2, 2, 3}}}},
      {"max_pool1d",
       [](In x) { return max_pool1d(x[0], 2); },
       {kDistinct},
       {{{2, 4}}, {{2, 2, 5}}, {{0, 4}}}},
      {"max_pool1d: overlapping",
       [](In x) { return max_pool1d(x[0], 3, 1); },
       {kDistinct},
       {{{2, 5}}}},
      {"avg_pool1d",
       [](In x) { return avg_pool1d(x[0], 3, 2); },
       {kReal},
       {{{2, 5}}, {{2, 2, 3}}, {{0, 4}}}},
      {"conv2d",
       [](In x) {
         return conv2d(x[0], x[1], x[2], {.stride = {2, 1}, .padding = {1, 2}});
       },
       {kReal, kReal, kReal},
       {{{2, 2, 5, 4}, {3, 2, 3, 2}, {3}},
        {{1, 1, 1, 1}, {1, 1, 2, 3}, {1}},
        {{0, 2, 3, 3}, {2, 2, 2, 2}, {2}}}},
      {"conv2d: plain",
       [](In x) { return conv2d(x[0], x[1]); },
       {kReal, kReal},
       {{{1, 2, 3, 4}, {2, 2, 2, 3}}}},
      {"max_pool2d",
       [](In x) { return max_pool2d(x[0], 2); },
       {kDistinct},
       {{{2, 4, 5}}, {{2, 3}}, {{0, 2, 2}}}},
      {"max_pool2d: overlapping",
       [](In x) {
         return max_pool2d(x[0], {2, 3}, 1);
       },
       {kDistinct},
       {{{1, 3, 4}}}},
      {"avg_pool2d",
       [](In x) {
         return avg_pool2d(x[0], {2, 3}, {1, 2});
       },
       {kReal},
       {{{2, 4, 5}}, {{0, 2, 3}}}},
  };
}

}  // namespace gradus
