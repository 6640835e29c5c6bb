// Reductions: axes are ordered by where they lie in memory, neighbours that are both kept or both
// reduced are merged, and each reduced group is folded by one pass over a block [outer, n, inner].
// Long axes are cut into blocks of fixed size whose results (double) are combined in order.
#include <algorithm>
#include <numeric>
#include <vector>

#include "backends/cpu/folds.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

struct Group {
  std::int64_t size;
  bool reduced;
};

// x as a dense block: groups of axes, outermost first, alternately kept and reduced.
struct Folded {
  std::vector<Group> groups;
  std::vector<int> kept;  // the kept axes of x in the order of the groups
};

// The axes of `x` by decreasing stride.
std::vector<int> axes_in_memory(const Layout& x) {
  std::vector<int> axes(static_cast<std::size_t>(x.shape.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::stable_sort(axes.begin(), axes.end(),
                   [&](int a, int b) { return x.stride(a) > x.stride(b); });
  return axes;
}

Folded group(const Layout& x, const Shape& out, const std::vector<int>& axes) {
  Folded result;
  for (int axis : axes) {
    if (x.shape[axis] == 1) continue;
    const bool reduced = out[axis] == 1;
    if (!reduced) result.kept.push_back(axis);
    if (!result.groups.empty() && result.groups.back().reduced == reduced) {
      result.groups.back().size *= x.shape[axis];
    } else {
      result.groups.push_back({x.shape[axis], reduced});
    }
  }
  return result;
}

double combine(ReduceOp op, double a, double b) {
  if (op == ReduceOp::sum) return a + b;
  const bool better = op == ReduceOp::max ? b > a : b < a;
  return better || b != b ? b : a;
}

constexpr std::int64_t kBlock = 65536;  // elements of one block of a long axis

// x [outer, n] -> to [outer].
template <class T>
void fold_rows(Cache& cache, ReduceOp op, const T* x, std::int64_t outer, std::int64_t n, T* to) {
  const Folds folds = folds_of(op, dtype_of<T>);
  if (n <= kBlock) {
    parallel_for(outer, std::max<std::int64_t>(1, kGrain / n),
                 [&](std::int64_t r, std::int64_t end) {
                   double results[256];
                   while (r < end) {
                     const std::int64_t rows = std::min<std::int64_t>(end - r, std::size(results));
                     folds.rows(x + r * n, rows, n, results);
                     std::transform(results, results + rows, to + r,
                                    [](double v) { return static_cast<T>(v); });
                     r += rows;
                   }
                 });
    return;
  }
  const std::int64_t blocks = ceil_div(n, kBlock);
  Scratch<double> partial(cache, outer * blocks);
  parallel_for(outer * blocks, 1, [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task) {
      const std::int64_t begin = task % blocks * kBlock;
      folds.rows(x + task / blocks * n + begin, 1, std::min(kBlock, n - begin),
                 partial.data() + task);
    }
  });
  for (std::int64_t r = 0; r < outer; ++r) {
    const double* results = partial.data() + r * blocks;
    to[r] = static_cast<T>(std::accumulate(results + 1, results + blocks, results[0],
                                           [op](double a, double b) { return combine(op, a, b); }));
  }
}

// x [outer, n, inner] -> to [outer, inner], in strips of columns.
template <class T>
void fold_columns(Cache& cache, ReduceOp op, const T* x, std::int64_t outer, std::int64_t n,
                  std::int64_t inner, T* to) {
  const Folds folds = folds_of(op, dtype_of<T>);
  const std::int64_t strips = ceil_div(inner, kFoldColumns);
  const std::int64_t width = std::min(inner, kFoldColumns);
  const std::int64_t block = std::max<std::int64_t>(32, kBlock / width);  // rows
  const std::int64_t blocks = ceil_div(n, block);
  Scratch<double> partial(cache, blocks > 1 ? outer * blocks * inner : 0);
  const std::int64_t chunk = std::max<std::int64_t>(1, kGrain / (std::min(n, block) * width));
  parallel_for(outer * blocks * strips, chunk, [&](std::int64_t task, std::int64_t end) {
    double results[kFoldColumns];
    for (; task < end; ++task) {
      const std::int64_t column = task % strips * kFoldColumns;
      const std::int64_t row = task / strips % blocks * block;
      const std::int64_t item = task / (strips * blocks);
      const std::int64_t columns = std::min(kFoldColumns, inner - column);
      folds.columns(x + (item * n + row) * inner + column, std::min(block, n - row), columns, inner,
                    results);
      if (blocks > 1) {
        std::copy_n(results, columns, partial.data() + task / strips * inner + column);
      } else {
        std::transform(results, results + columns, to + item * inner + column,
                       [](double v) { return static_cast<T>(v); });
      }
    }
  });
  if (blocks == 1) return;
  parallel_for(outer * inner, kGrain / blocks + 1, [&](std::int64_t i, std::int64_t end) {
    for (; i < end; ++i) {
      const double* results = partial.data() + i / inner * blocks * inner + i % inner;
      double result = results[0];
      for (std::int64_t b = 1; b < blocks; ++b) result = combine(op, result, results[b * inner]);
      to[i] = static_cast<T>(result);
    }
  });
}

// x [outer, n, inner] -> to [outer, inner].
template <class T>
void argmax(const T* x, std::int64_t outer, std::int64_t n, std::int64_t inner, std::int32_t* to) {
  const ArgFolds folds = arg_folds_of(dtype_of<T>);
  const std::int64_t strips = ceil_div(inner, kFoldColumns);
  const std::int64_t width = std::min(inner, kFoldColumns);
  parallel_for(outer * strips, std::max<std::int64_t>(1, kGrain / (n * width)),
               [&](std::int64_t task, std::int64_t end) {
                 if (inner == 1) return folds.rows(x + task * n, end - task, n, to + task);
                 for (; task < end; ++task) {
                   const std::int64_t column = task % strips * kFoldColumns;
                   const std::int64_t item = task / strips;
                   folds.columns(x + item * n * inner + column, n,
                                 std::min(kFoldColumns, inner - column), inner,
                                 to + item * inner + column);
                 }
               });
}

// Sizes of the groups before, at and after group `at`.
struct Block {
  std::int64_t outer = 1, n = 1, inner = 1;

  Block(const std::vector<Group>& groups, std::size_t at) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      (i < at ? outer : i == at ? n : inner) *= groups[i].size;
    }
  }
};

// Folds the reduced groups of x one after the other, the innermost (the longest walk) first.
template <class T>
void fold(Cache& cache, ReduceOp op, const T* x, std::vector<Group> groups, const View& out) {
  std::shared_ptr<Buffer> from_keeper;  // holds what x points to after the first fold
  for (std::size_t at = groups.size(); at-- > 0;) {
    if (!groups[at].reduced) continue;
    const Block block(groups, at);
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(at));
    if (op == ReduceOp::argmax) {
      return argmax(x, block.outer, block.n, block.inner, data_of<std::int32_t>(out));
    }
    const bool last = std::none_of(groups.begin(), groups.end(), [](Group g) { return g.reduced; });
    std::shared_ptr<Buffer> to_keeper;
    T* to = last ? data_of<T>(out) : nullptr;
    if (!last) {
      to_keeper = cache.allocate(static_cast<std::size_t>(block.outer * block.inner) * sizeof(T));
      to = reinterpret_cast<T*>(to_keeper->host());
    }
    if (block.inner == 1) {
      fold_rows(cache, op, x, block.outer, block.n, to);
    } else {
      fold_columns(cache, op, x, block.outer, block.n, block.inner, to);
    }
    x = to;
    from_keeper = std::move(to_keeper);
  }
}

double identity(ReduceOp op) {
  return op == ReduceOp::max ? -kInfinity : op == ReduceOp::min ? kInfinity : 0;
}

}  // namespace

void reduce(Cache& cache, ReduceOp op, const View& x_view, const View& out) {
  if (out.shape().numel() == 0) return;
  if (x_view.shape().numel() == 0) return fill(out, identity(op));
  if (out.shape() == x_view.shape()) {  // nothing to fold
    return op == ReduceOp::argmax ? fill(out, 0) : copy(cache, x_view, out);
  }
  View x = x_view;
  std::shared_ptr<Buffer> keeper;
  std::vector<int> axes = axes_in_memory(x.layout);
  Folded folded = group(x.layout, out.shape(), axes);
  // Memory order serves if it has no gaps and leaves the kept axes in the order of `out`.
  if (!x.layout.permuted(axes).is_contiguous() ||
      !std::is_sorted(folded.kept.begin(), folded.kept.end())) {
    x = contiguous(cache, x, keeper);
    std::sort(axes.begin(), axes.end());
    folded = group(x.layout, out.shape(), axes);
  }
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    fold<T>(cache, op, data_of<T>(x), folded.groups, out);
  });
}

void sum_parts(Cache& cache, const View& parts, const View& out) {
  const std::int64_t n = parts.shape()[0], size = out.shape().numel();
  View rows = parts, sum = out;
  rows.layout.shape = Shape{n, size};
  rows.layout.strides = {parts.layout.stride(0), 1};
  sum.layout.shape = Shape{1, size};
  sum.layout.strides = {size, 1};
  reduce(cache, ReduceOp::sum, rows, sum);
}

}  // namespace gradus::cpu
