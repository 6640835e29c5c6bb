#include "autograd/bags.h"

#include <fmt/format.h>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "autograd/row_numbers.h"
#include "tensor/error.h"

namespace gradus {

namespace {

struct Lists {
  std::vector<std::int32_t> rows, bags, offsets;
};

// The other way round: each row once, and the bags that hold it.
Lists turned(const std::vector<std::int32_t>& rows, const std::vector<std::int32_t>& offsets) {
  RowNumbers numbers(rows.size());
  std::vector<std::int32_t> number;  // of each entry's row
  number.reserve(rows.size());
  for (const std::int32_t row : rows) number.push_back(numbers.of(row));
  Lists result{numbers.rows(), std::vector<std::int32_t>(rows.size()), {}};
  result.offsets.assign(numbers.rows().size() + 1, 0);
  const auto at = [](auto i) { return static_cast<std::size_t>(i); };
  for (const std::int32_t n : number) ++result.offsets[at(n) + 1];
  for (std::size_t i = 1; i < result.offsets.size(); ++i)
    result.offsets[i] += result.offsets[i - 1];
  std::vector<std::int32_t> next(result.offsets.begin(), result.offsets.end() - 1);
  for (std::size_t b = 0; b + 1 < offsets.size(); ++b) {
    for (std::int32_t i = offsets[b]; i < offsets[b + 1]; ++i) {
      result.bags[at(next[at(number[at(i)])]++)] = static_cast<std::int32_t>(b);
    }
  }
  return result;
}

// out[s] = the sum of table[rows[i]] over the entries i of segment s.
Tensor sum_rows(const Tensor& table, const Tensor& rows, const Segments& segments) {
  NoGrad off;
  const Tensor out = empty(table.shape().with(0, segments.count()), table.options());
  if (table.backend().gather_sum(table.view(), rows.view(),
                                 segments.offsets_on(table.backend()).view(), out.view())) {
    return out;
  }
  return segment_sum(gather(table, rows), segments);
}

}  // namespace

Bags::Bags(std::vector<std::int32_t> list, std::vector<std::int32_t> offsets, Backend& backend)
    : in_bags(offsets), in_rows({0}) {
  if (in_bags.rows() != std::ssize(list)) {
    throw ShapeError(fmt::format("[bags] the offsets end with {}, there are {} rows",
                                 in_bags.rows(), list.size()));
  }
  for (const std::int32_t row : list) {
    if (row < 0) throw IndexError(fmt::format("[bags] row {} is below 0", row));
  }
  const auto tensor = [&backend](const std::vector<std::int32_t>& values) {
    return from_vector(values, {std::ssize(values)}, &backend);
  };
  Lists turned_lists = turned(list, offsets);
  rows = tensor(list);
  distinct = tensor(turned_lists.rows);
  bags = tensor(turned_lists.bags);
  in_rows = Segments(std::move(turned_lists.offsets));
}

// y = S table, so dL/dtable = S^T g, of which only the distinct rows are not zero.
Tensor gather_sum(const Tensor& table, const Bags& bags) {
  if (table.rank() == 0)
    throw ShapeError("[gather_sum] a table needs at least one axis, got a scalar");
  compute::check_floating("gather_sum", table);
  if (&bags.rows.backend() != &table.backend()) {
    throw BackendError(
        fmt::format("[gather_sum] the bags are on {}, the table is {}: make them there",
                    bags.rows.backend().name(), describe(table)));
  }
  return record("gather_sum", sum_rows(table, bags.rows, bags.in_bags),
                edge(table, [bags, shape = table.shape()](const Tensor& g) -> Gradient {
                  if (grad_enabled()) {
                    return scatter_add(segment_expand(g, bags.in_bags), bags.rows, shape[0]);
                  }
                  return Gradient::row_sparse(bags.distinct, sum_rows(g, bags.bags, bags.in_rows),
                                              shape);
                }));
}

}  // namespace gradus
