#include "tests/op_table.h"

#include <cmath>

#include "autograd/ops.h"
#include "tensor/philox.h"

namespace gradus {

namespace {

double number(const Domain& domain, std::uint64_t i) {
  if (domain.kind == Domain::mask) return i % 3 != 0;
  if (domain.kind == Domain::index)
    return domain.low + double(i % std::uint64_t(domain.high - domain.low + 1));
  // 0, 37, 74, .. mod 64 takes every value once in 64 elements: steps of 1/8 about 0.
  if (domain.kind == Domain::distinct) return (double(i * 37 % 64) - 31.5) / 8;
  const double u = double{to_uniform(philox(1, 0, i)[0])};
  const double x = domain.low + (domain.high - domain.low) * u;
  return double(float(std::abs(x) < 0.1 ? x + (x < 0 ? -0.125 : 0.125) : x));
}

}  // namespace

const std::vector<OpRow>& op_table() {
  static const std::vector<OpRow> table = [] {
    std::vector<OpRow> rows;
    for (const auto part : {elementwise_rows, reduction_rows, view_rows, product_rows,
                            indexing_rows, segment_rows, attention_rows}) {
      const std::vector<OpRow> some = part();
      rows.insert(rows.end(), some.begin(), some.end());
    }
    return rows;
  }();
  return table;
}

std::vector<Tensor> make_inputs(const OpRow& row, const Shapes& shapes, DType dtype, Backend& on) {
  std::vector<Tensor> inputs;
  std::uint64_t element = 0;  // counted through all inputs
  for (std::size_t i = 0; i < row.inputs.size(); ++i) {
    const Domain& domain = row.inputs[i];
    std::vector<double> values(static_cast<std::size_t>(shapes[i].numel()));
    for (double& value : values) value = number(domain, element++);
    const DType as = domain.kind == Domain::index  ? DType::i32
                     : domain.kind == Domain::mask ? DType::boolean
                                                   : dtype;
    inputs.push_back(cast(from_vector(values, shapes[i], &on), as));
  }
  return inputs;
}

}  // namespace gradus
