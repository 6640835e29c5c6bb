// Batched matrix products, cut into tiles that run in parallel. Tiles depend on shapes alone, so the
// result is the same for any number of threads.
#include <algorithm>
#include <array>
#include <numeric>
#include <span>
#include <utility>

#include "backends/cpu/gemm.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

constexpr std::int64_t kTaskProducts = std::int64_t{1} << 20;  // multiply-adds that make a task pay
constexpr std::int64_t kFewRows = 4;  // of a: gemm's preparations do not pay

constexpr std::int64_t kManyTiles = 16;  // keep many threads busy

// Whether a product cut into so many tiles, each of so many multiply-adds, has enough of them: a small one
// in two keeps two threads busy, a large one should do for more.
bool enough(std::int64_t tiles, std::int64_t products) {
  return products <= kTaskProducts || (tiles >= 2 && products <= 2 * kTaskProducts) ||
         (tiles >= 4 && products <= 16 * kTaskProducts) || tiles >= kManyTiles;
}

// One product of the batch is cut into tiles of m, n and k; partial sums over k are added in order.
// Cutting an axis finer costs copies: m, those of b's tile are made more often (the panels of gemm), n
// those of a's; k, partial sums are written, then read and added to others. For each multiply-add that is
// about 1/m, 1/n and 4/k, twice that where k was whole: so the longest of m, n and k/4 is cut in twice as
// many, or in just enough, again and again. Tiles are about equal, so that threads end together.
struct Tiling {
  std::int64_t m, n, k;
  std::int64_t m_tiles, n_tiles, k_tiles;

  Tiling(std::int64_t batch, std::int64_t rows, std::int64_t columns, std::int64_t inner)
      : m_tiles(ceil_div(rows, 1024)), n_tiles(ceil_div(columns, 512)), k_tiles(1) {
    for (;;) {
      m = ceil_div(rows, m_tiles);
      n = ceil_div(columns, n_tiles);
      k = ceil_div(inner, k_tiles);
      const std::int64_t tiles = batch * m_tiles * n_tiles * k_tiles;
      if (enough(tiles, m * n * k)) break;
      const bool cut_k = k >= 1024 && k > (k_tiles == 1 ? 8 : 4) * std::max(m, n);
      std::int64_t& axis = cut_k ? k_tiles : m > n ? m_tiles : n_tiles;
      axis = std::min(2 * axis, ceil_div(kManyTiles, tiles / axis));
    }
    const auto round = [](std::int64_t size, std::int64_t multiple, std::int64_t& tile) {
      tile = std::min(size, ceil_div(tile, multiple) * multiple);
      return ceil_div(size, tile);
    };
    n_tiles = round(columns, 32, n);  // whole blocks of registers (gemm.cpp, amx.cpp)
    k_tiles = round(inner, 16, k);
  }
};

// Without the last `count` axes.
Layout leading(const Layout& layout, int count) {
  Layout result = layout;
  result.offset = 0;
  result.shape = Shape(std::span(layout.shape.begin(), layout.shape.end() - count));
  return result;
}

// The matrices of a view: its last two axes, for every item of the axes before.
template <class T>
struct Stack {
  const T* data;
  Layout items;
  std::int64_t row_step, column_step;

  explicit Stack(const View& view)
      : data(data_of<T>(view)),
        items(leading(view.layout, 2)),
        row_step(view.layout.stride(-2)),
        column_step(view.layout.stride(-1)) {}
  Matrix<T> operator[](std::int64_t item) const {
    return {data + position(items, item), row_step, column_step};
  }
};

// Columns of each item in parallel.
template <class T>
void multiply_few_rows(const Stack<T>& a, const Stack<T>& b, T* out, std::int64_t batch,
                       std::int64_t m, std::int64_t n, std::int64_t k, const Finish& finish) {
  const std::int64_t width = std::min(n, std::max<std::int64_t>(16, 2 * kGrain / k));
  const std::int64_t parts = ceil_div(n, width);
  const std::int64_t group = std::max<std::int64_t>(1, 2 * kGrain / (width * k));
  parallel_for(batch * parts, group, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t item = task / parts, column = task % parts * width;
      const std::int64_t columns = std::min(width, n - column);
      T* tile = out + item * m * n + column;
      few_rows(m, columns, k, a[item], b[item].from(0, column), tile, n);
      if (finish) finish.function(tile, m, columns, n, column);
    }
  });
}

template <class T>
void multiply(Cache& cache, const Stack<T>& a, const Stack<T>& b, T* out, std::int64_t batch,
              std::int64_t m, std::int64_t n, std::int64_t k, const Finish& finish,
              MatmulPrecision precision) {
  if (m <= kFewRows && a.column_step == 1 && b.row_step == 1) {
    return multiply_few_rows(a, b, out, batch, m, n, k, finish);
  }
  const Tiling tiling(batch, m, n, k);
  const std::int64_t size = m * n;  // of one product
  // With several tiles over k, each makes its own copy of the whole result.
  const std::int64_t copies = tiling.k_tiles;
  Scratch<T> partial(cache, copies > 1 ? copies * batch * size : 0);
  T* to = copies > 1 ? partial.data() : out;

  const std::int64_t tiles = tiling.m_tiles * tiling.n_tiles;
  const std::int64_t group =
      std::max<std::int64_t>(1, kTaskProducts / (tiling.m * tiling.n * tiling.k));
  parallel_for(copies * batch * tiles, group, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t copy = task / (batch * tiles);
      const std::int64_t item = task / tiles % batch;
      const std::int64_t row = task % tiles / tiling.n_tiles * tiling.m;
      const std::int64_t column = task % tiling.n_tiles * tiling.n;
      const std::int64_t inner = copy * tiling.k;
      const std::int64_t rows = std::min(tiling.m, m - row);
      const std::int64_t columns = std::min(tiling.n, n - column);
      T* tile = to + (copy * batch + item) * size + row * n + column;
      gemm(rows, columns, std::min(tiling.k, k - inner), T{1}, a[item].from(row, inner),
           b[item].from(inner, column), false, tile, n,
           {finish && copies == 1 ? &finish : nullptr, column}, precision);
    }
  });
  if (copies == 1) return;
  const std::int64_t total = batch * size;
  parallel_for(total, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::copy(to + begin, to + end, out + begin);
    for (std::int64_t c = 1; c < copies; ++c) {
      for (std::int64_t i = begin; i < end; ++i) out[i] += to[c * total + i];
    }
  });
  if (!finish) return;
  parallel_for(batch * m, kGrain / n + 1, [&](std::int64_t row, std::int64_t end) {
    finish.function(out + row * n, end - row, n, n, 0);
  });
}

// Where every item of the batch has the same b and the rows of all the a are evenly spaced, the
// batch is one tall product: [.., m, k] x [k, n] = [.. * m, k] x [k, n].
bool collapse(View& a, View& b, View& out) {
  const int rank = a.shape().rank();
  const Layout rows = leading(a.layout, 1);
  for (int axis = 0; axis < rank - 2; ++axis) {
    if (b.layout.stride(axis) != 0 && b.shape()[axis] != 1) return false;
  }
  const std::int64_t m = rows.shape.numel();
  const auto merged = rows.reshaped(Shape{m});
  if (!merged || merged->stride(0) == 0) return false;
  const std::int64_t k = a.shape()[-1];
  const std::int64_t n = b.shape()[-1];
  const std::int64_t k_step = a.layout.stride(-1);
  const std::int64_t b_steps[2] = {b.layout.stride(-2), b.layout.stride(-1)};
  a.layout.shape = Shape{m, k};
  a.layout.strides = {merged->stride(0), k_step};
  b.layout.shape = Shape{k, n};
  b.layout.strides = {b_steps[0], b_steps[1]};
  out.layout.shape = Shape{m, n};
  out.layout.strides = {n, 1};
  return true;
}

}  // namespace

View transposed(View x) {
  const auto rank = static_cast<std::size_t>(x.shape().rank());
  std::array<int, kMaxRank> axes{};
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[rank - 2], axes[rank - 1]);
  x.layout = x.layout.permuted(std::span<const int>(axes).first(rank));
  return x;
}

void matmul(Cache& cache, const View& a_view, const View& b_view, const View& out_view,
            const Finish& finish, MatmulPrecision precision) {
  View a = a_view;
  View b = b_view;
  View out = out_view;
  if (out.shape().numel() == 0) return;
  if (a.shape()[-1] == 0) {
    fill(out, 0);
    const std::int64_t columns = out.shape()[-1];
    return dispatch_floating(out.dtype, [&](auto zero) {
      auto* tile = data_of<decltype(zero)>(out);
      if (finish) finish.function(tile, out.shape().numel() / columns, columns, columns, 0);
    });
  }
  if (a.shape().rank() > 2) collapse(a, b, out);
  const std::int64_t m = out.shape()[-2];
  const std::int64_t n = out.shape()[-1];
  const std::int64_t k = a.shape()[-1];
  dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    multiply<T>(cache, Stack<T>(a), Stack<T>(b), data_of<T>(out), out.shape().numel() / (m * n), m,
                n, k, finish, precision);
  });
}

}  // namespace gradus::cpu
