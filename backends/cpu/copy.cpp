// copy: between any two layouts, with casts.
#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "backends/cpu/kernels.h"
#include "backends/cpu/loops.h"
#include "backends/cpu/merge.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

constexpr std::int64_t kTileRows = 32, kTileColumns = 64;  // of a transpose

std::size_t at(int axis) { return static_cast<std::size_t>(axis); }

// A walk of views 0 (x) and 1 (out) as an outer index, then `rows` by `columns`.
struct Plane {
  std::int64_t rows, columns;
  std::int64_t from_row, from_column;  // strides
  std::int64_t to_row, to_column;
};

template <class T>
void copy_row(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, std::int64_t n) {
  if (from_step == 1 && to_step == 1) {
    std::copy_n(from, n, to);
  } else if (from_step == 0 && to_step == 1) {
    std::fill_n(to, n, *from);
  } else if (from_step == -1 && to_step == 1) {  // flipped
    std::reverse_copy(from - (n - 1), from + 1, to);
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
  }
}

// Rows [begin, end) of a plane whose columns are dense in x: read and written a few lines at a time
// by way of a tile, as the lines of either side, a power of two apart, would evict each other.
template <class T>
void copy_tiles(const Plane& p, const T* from, T* to, std::int64_t begin, std::int64_t end,
                bool by_lines) {
  if constexpr (std::is_same_v<T, float>) {
    if (p.from_row == 1 && p.to_column == 1) {
      return transpose({from + begin, p.from_column, to + begin * p.to_row, p.to_row, end - begin,
                        p.columns, by_lines});
    }
  }
  T tile[kTileRows][kTileColumns];
  for (std::int64_t r0 = begin; r0 < end; r0 += kTileRows) {
    const std::int64_t rows = std::min(kTileRows, end - r0);
    for (std::int64_t c0 = 0; c0 < p.columns; c0 += kTileColumns) {
      const std::int64_t columns = std::min(kTileColumns, p.columns - c0);
      for (std::int64_t c = 0; c < columns; ++c) {
        const T* line = from + r0 * p.from_row + (c0 + c) * p.from_column;
        for (std::int64_t r = 0; r < rows; ++r) tile[r][c] = line[r * p.from_row];
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        copy_row(tile[r], 1, to + (r0 + r) * p.to_row + c0 * p.to_column, p.to_column, columns);
      }
    }
  }
}

// Whether each row along the last axis of view 1 begins at a cache line.
template <class T>
bool starts_lines(const T* to, const Merged<2>& walk) {
  bool all = on_a_line(to);
  for (int axis = 0; axis < walk.rank - 1; ++axis) {
    all = all && on_a_line(to + walk.strides[1][at(axis)]);
  }
  return all;
}

// Moves the axis that is dense in x next to the last: with the last it makes planes to transpose.
bool move_dense_axis(Merged<2>& walk) {
  if (walk.inner_stride(0) == 1) return false;
  for (int axis = walk.rank - 2; axis >= 0; --axis) {
    if (walk.strides[0][at(axis)] != 1) continue;
    for (int i = axis; i < walk.rank - 2; ++i) {
      std::swap(walk.sizes[at(i)], walk.sizes[at(i + 1)]);
      for (auto& strides : walk.strides) std::swap(strides[at(i)], strides[at(i + 1)]);
    }
    return true;
  }
  return false;
}

template <class T>
void copy_same(const T* from, T* to, Merged<2> walk) {
  const bool tiled = move_dense_axis(walk);
  const std::int64_t columns = walk.inner();
  if (walk.rank == 1) {
    parallel_for(columns, kGrain, [&](std::int64_t begin, std::int64_t end) {
      const std::int64_t step = walk.inner_stride(0);
      const std::int64_t to_step = walk.inner_stride(1);
      copy_row(from + begin * step, step, to + begin * to_step, to_step, end - begin);
    });
    return;
  }
  const std::size_t row_axis = at(walk.rank - 2);
  const Plane plane{walk.sizes[row_axis],      columns,
                    walk.strides[0][row_axis], walk.inner_stride(0),
                    walk.strides[1][row_axis], walk.inner_stride(1)};
  Layout outer[2];  // the axes before the plane
  for (std::size_t v = 0; v < 2; ++v) {
    outer[v].shape = Shape(std::span<const std::int64_t>(walk.sizes.data(), row_axis));
    outer[v].strides = walk.strides[v];
  }
  // A task is a number of rows, counted through all the planes; whole tiles of them where possible.
  const std::int64_t rows = outer[0].shape.numel() * plane.rows;
  std::int64_t chunk = std::max<std::int64_t>(1, kGrain / columns);
  if (tiled) chunk = std::clamp<std::int64_t>(rows / 16 / kTileRows, 1, 4) * kTileRows;
  const std::int64_t bytes = rows * columns * static_cast<std::int64_t>(sizeof(T));
  const bool by_lines = past_caches(bytes) && starts_lines(to, walk);
  parallel_for(rows, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end;) {
      const std::int64_t index = row / plane.rows;
      const std::int64_t first = row % plane.rows;
      const std::int64_t last = std::min(plane.rows, first + end - row);
      const T* source = from + position(outer[0], index);
      T* target = to + position(outer[1], index);
      if (tiled) {
        copy_tiles(plane, source, target, first, last, by_lines);
      } else {
        for (std::int64_t r = first; r < last; ++r) {
          copy_row(source + r * plane.from_row, plane.from_column, target + r * plane.to_row,
                   plane.to_column, columns);
        }
      }
      row += last - first;
    }
  });
}

}  // namespace

void copy(Cache& cache, const View& x, const View& out) {
  if (out.shape().numel() == 0) return;
  if (x.dtype == out.dtype) {
    return dispatch(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      copy_same(data_of<T>(x), data_of<T>(out), merge<2>({x.layout, out.layout}));
    });
  }
  if (!out.layout.is_contiguous()) {  // cast, then lay out
    const auto count = static_cast<std::size_t>(x.shape().numel());
    const std::shared_ptr<Buffer> buffer = cache.allocate(count * size_of(out.dtype));
    const View dense{buffer.get(), out.dtype, Layout(x.shape())};
    copy(cache, x, dense);
    return copy(cache, dense, out);
  }
  cast(cache, x, out);
}

View contiguous(Cache& cache, const View& x, std::shared_ptr<Buffer>& keeper) {
  if (x.layout.is_contiguous()) return x;
  keeper = cache.allocate(static_cast<std::size_t>(x.shape().numel()) * size_of(x.dtype));
  const View dense{keeper.get(), x.dtype, Layout(x.shape())};
  copy(cache, x, dense);
  return dense;
}

}  // namespace gradus::cpu
