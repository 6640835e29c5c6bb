// The rows of elements chosen by their numbers.
#include "autograd/ops.h"
#include "tests/op_table.h"

namespace gradus {

namespace {
using In = const std::vector<Tensor>&;
}

std::vector<OpRow> indexing_rows() {
  const std::vector<Shapes> sorted{{{2, 5}}, {{2, 4, 2}}, {{1, 1}}, {{0, 3}}, {{2, 0}}};
  return {
      {"index_put",
       [](In x) { return square(index_put(x[0], x[1], x[2])); },
       {kReal, rows_below(3), kReal},
       {{{3, 2}, {2}, {2, 2}},
        {{3, 2}, {7}, {7, 2}},  // rows named twice: the last stands
        {{3}, {2, 4}, {2, 4}},
        {{3, 2}, {}, {2}},
        {{3, 0}, {2}, {2, 0}},
        {{3, 2}, {0}, {0, 2}}}},
      {"index_select",
       [](In x) { return square(index_select(x[0], 1, x[1])); },
       {kReal, index_below(3)},
       {{{2, 3}, {5}}, {{2, 3, 2}, {2}}, {{0, 3}, {2}}, {{2, 3}, {0}}}},
      {"take_along_dim",
       [](In x) { return square(take_along_dim(x[0], x[1], 1)); },
       {kReal, index_below(3)},
       {{{2, 3}, {2, 4}}, {{2, 3, 2}, {2, 1, 2}}, {{0, 3}, {0, 2}}, {{2, 3}, {2, 0}}}},
      {"scatter",
       [](In x) { return square(scatter(x[0], 1, x[1], x[2])); },
       {kReal, index_below(3), kReal},
       {{{2, 3}, {2, 2}, {2, 2}},
        {{2, 3}, {2, 5}, {2, 5}},
        {{2, 3, 2}, {2, 2, 2}, {2, 2, 2}},
        {{0, 3}, {0, 2}, {0, 2}},
        {{2, 3}, {2, 0}, {2, 0}}}},
      {"sort", [](In x) { return square(sort(x[0], 1).values); }, {kDistinct}, sorted},
      {"sort: descending",
       [](In x) { return square(sort(x[0], 1, true).values); },
       {kDistinct},
       sorted},
      {"sort: indices",
       [](In x) { return sort(x[0], 1).indices; },
       {kReal},
       sorted,
       Derivatives::none},
      {"sort: ties keep their order",
       [](In x) { return sort(sign(x[0]), -1, true).indices; },
       {kReal},
       sorted,
       Derivatives::none},
      {"topk",
       [](In x) { return square(topk(x[0], 2, 1).values); },
       {kDistinct},
       {{{2, 5}}, {{2, 2, 2}}, {{0, 3}}}},
      {"topk: smallest",
       [](In x) { return topk(x[0], 3, 0, false).values; },
       {kDistinct},
       {{{4, 2}}, {{3}}}},
  };
}

}  // namespace gradus
