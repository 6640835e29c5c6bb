// A step of Adam on the table of a million words: with the gradient of a batch that touches 20,000
// of them, as an embedding gets it (row-sparse), and with a dense gradient. The first should cost
// in proportion to the rows. bench/peers/torch_adam.py is the same with SparseAdam and Adam.
#include <memory>
#include <vector>

#include "autograd/gradient.h"
#include "bench/measure.h"
#include "nn/module.h"
#include "optim/adam.h"
#include "tensor/random.h"

namespace gradus::bench {
namespace {

constexpr std::int64_t kWords = 1000000, kDim = 64, kTouched = 20000;

struct Table {
  Tensor values = nn::parameter(zeros({kWords, kDim}));
  optim::Adam adam{{values}};
};

Row step_with(const Gradient& gradient) {
  const auto table = std::make_shared<Table>();
  table->values.set_gradient(gradient);
  return {.pass = [table] { table->adam.step(); }};
}

const bool kSparse = add("adam/20,000 rows of 1,000,000", [] {
  std::vector<std::int32_t> rows;  // all different, in no order
  for (std::int64_t i = 0; i < kTouched; ++i) {
    rows.push_back(static_cast<std::int32_t>(i * 7919 % kWords));
  }
  return step_with(Gradient::row_sparse(from_vector(rows, {kTouched}), normal({kTouched, kDim}),
                                        {kWords, kDim}));
});

const bool kDense = add("adam/all rows", [] { return step_with(normal({kWords, kDim})); });

}  // namespace
}  // namespace gradus::bench
