// The rows of ragged batches and attention.
#include "autograd/attention.h"
#include "autograd/bags.h"
#include "autograd/ops.h"
#include "autograd/segments.h"
#include "tensor/random.h"
#include "tests/op_table.h"

namespace gradus {

namespace {

using In = const std::vector<Tensor>&;

// Three segments, the second empty, for five rows; two empty ones for none.
Segments texts(const Tensor& x) {
  return x.size(0) == 0 ? Segments({0, 0, 0}) : Segments({0, 3, 3, 5});
}

AttentionOptions with(Score score, const Tensor& weight = {}) {
  return {.score = score, .weight = weight};
}

}  // namespace

std::vector<OpRow> segment_rows() {
  const std::vector<Shapes> shapes{{{5, 2}}, {{5}}, {{5, 1, 2}}, {{0, 2}}};
  return {
      {"segment_sum", [](In x) { return square(segment_sum(x[0], texts(x[0]))); }, {kReal}, shapes},
      {"segment_mean",
       [](In x) { return square(segment_mean(x[0], texts(x[0]))); },
       {kReal},
       shapes},
      {"segment_max",
       [](In x) { return square(segment_max(x[0], texts(x[0]))); },
       {kDistinct},
       shapes},
      {"segment_softmax", [](In x) { return segment_softmax(x[0], texts(x[0])); }, {kReal}, shapes},
      {"segment_expand",
       [](In x) {
         return square(segment_expand(x[0], Segments({0, 3, 3, 5})));
       },
       {kReal},
       {{{3, 2}}, {{3}}, {{3, 0}}}},
      {"gather_sum",
       [](In x) {
         const std::int32_t last = static_cast<std::int32_t>(x[0].size(0)) - 1;
         const Bags bags({last, 0, last, 1, 1}, {0, 3, 3, 5}, x[0].backend());
         return square(gather_sum(x[0], bags));
       },
       {kReal},
       {{{5, 2}}, {{3}}, {{2, 1, 2}}, {{3, 0}}}},
      {"segment_windows",
       [](In x) {
         const Segments s = texts(x[0]);
         return segment_windows(s, {.size = 2, .stride = 2, .padding = 1}, x[0].backend()).rows;
       },
       {kReal},
       shapes,
       Derivatives::none},
      {"segment_conv1d",
       [](In x) {
         const Windows w = segment_windows(texts(x[0]), {.size = 3, .padding = 1}, x[0].backend());
         return segment_conv1d(x[0], x[1], x[2], w);
       },
       {kReal, kReal, kReal},
       {{{5, 2}, {2, 2, 3}, {2}}, {{0, 2}, {2, 2, 3}, {2}}}},
      {"segment_max_pool1d",
       [](In x) {
         const Windows w = segment_windows(texts(x[0]), {.size = 2, .stride = 2, .partial = true},
                                           x[0].backend());
         return square(segment_max_pool1d(x[0], w));
       },
       {kDistinct},
       {{{5, 2}}, {{5, 1}}, {{0, 2}}}},
  };
}

std::vector<OpRow> attention_rows() {
  std::vector<OpRow> table;
  const std::vector<Shapes> shapes{{{2, 2}, {3, 2}, {3, 2}, {2}},
                                   {{2, 2, 3}, {2, 2, 3}, {2, 2, 1}, {3}},
                                   {{2, 1, 2}, {2, 2}, {2, 2}, {2}},
                                   {{0, 2}, {3, 2}, {3, 2}, {2}}};
  const std::vector<Shapes> packed{{{5, 2, 2}, {5, 2, 2}, {5, 2, 2}, {2}},
                                   {{5, 1, 3}, {5, 1, 3}, {5, 1, 2}, {3}},
                                   {{0, 2, 2}, {0, 2, 2}, {0, 2, 2}, {2}}};
  const std::vector<Shapes> pooled{
      {{3, 2, 2}, {5, 2, 2}, {2}}, {{1, 1, 3}, {5, 1, 3}, {3}}, {{2, 1, 2}, {0, 1, 2}, {2}}};
  const std::vector<Domain> four(4, kReal);
  const std::vector<Domain> three(3, kReal);
  for (const Score score : {Score::dot, Score::euclidean, Score::additive}) {
    const std::string name = name_of(score);
    table.push_back({"attention_scores: " + name,
                     [score](In x) { return attention_scores(x[0], x[1], with(score, x[3])); },
                     four, shapes});
    table.push_back({"attention_weights: " + name,
                     [score](In x) { return attention_weights(x[0], x[1], with(score, x[3])); },
                     four, shapes});
    table.push_back({"attention: " + name,
                     [score](In x) { return attention(x[0], x[1], x[2], with(score, x[3])); }, four,
                     shapes});
    table.push_back(
        {"attention: packed, " + name,
         [score](In x) { return attention(x[0], x[1], x[2], texts(x[0]), with(score, x[3])); },
         four, packed});
    table.push_back({"attention: packed, causal, " + name,
                     [score](In x) {
                       AttentionOptions options = with(score, x[3]);
                       options.causal = true;
                       return attention(x[0], x[1], x[2], texts(x[0]), options);
                     },
                     four, packed});
    table.push_back({"attention: packed, dropout, " + name,
                     [score](In x) {
                       manual_seed(5);
                       AttentionOptions options = with(score, x[3]);
                       options.dropout = 0.3;
                       return attention(x[0], x[1], x[2], texts(x[0]), options);
                     },
                     four, packed});
    table.push_back(
        {"pooling_weights: " + name,
         [score](In x) { return pooling_weights(x[0], x[1], texts(x[1]), with(score, x[2])); },
         three, pooled});
  }
  table.push_back(
      {"attention: masked",
       [](In x) { return attention(x[0], x[1], x[2], {.mask = x[3], .causal = true}); },
       {kReal, kReal, kReal, kMask},
       {{{3, 2}, {3, 2}, {3, 2}, {3, 3}}, {{2, 3, 2}, {2, 3, 2}, {2, 3, 2}, {2, 1, 3}}}});
  table.push_back({"attention: masked keys, dropout",
                   [](In x) {
                     manual_seed(5);
                     return attention(x[0], x[1], x[2],
                                      {.score = Score::euclidean, .mask = x[3], .dropout = 0.3});
                   },
                   {kReal, kReal, kReal, kMask},
                   {{{2, 2, 3, 2}, {2, 2, 5, 2}, {2, 2, 5, 1}, {2, 1, 1, 5}}}});
  table.push_back({"pool",
                   [](In x) { return pool(x[0], x[1], texts(x[0])); },
                   {kReal, kReal},
                   {{{5, 2}, {5, 2, 3}}, {{5, 1}, {5, 1, 1}}, {{0, 2}, {0, 2, 2}}}});
  return table;
}

}  // namespace gradus
