// gather and scatter of table rows.
#include <algorithm>
#include <bit>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

// The table with dense rows: only its first axis may have any stride.
View with_dense_rows(Cache& cache, const View& table, std::shared_ptr<Buffer>& keeper) {
  Layout row = table.layout;
  row.shape = row.shape.with(0, 1);
  return row.is_contiguous() ? table : contiguous(cache, table, keeper);
}

std::int64_t width_of(const View& table) { return table.shape().without(0).numel(); }

// The numbers 0 .. count - 1 with row[i] >= 0, bucket by bucket, in order within each; bucket b is at
// [starts[b], starts[b + 1]). 2^together rows that follow each other share one of `buckets`, a power of two.
struct Buckets {
  std::vector<std::int64_t> starts, items;

  Buckets(const std::int32_t* row, std::int64_t count, std::uint32_t buckets, int together)
      : starts(buckets + 1) {
    const auto bucket = [=](std::int64_t i) {
      return static_cast<std::uint32_t>(row[i]) >> together & (buckets - 1);
    };
    for (std::int64_t i = 0; i < count; ++i) {
      if (row[i] != kNoRow) ++starts[bucket(i) + 1];
    }
    for (std::size_t b = 1; b < starts.size(); ++b) starts[b] += starts[b - 1];
    items.resize(static_cast<std::size_t>(starts.back()));
    std::vector<std::int64_t> next = starts;
    for (std::int64_t i = 0; i < count; ++i) {
      if (row[i] != kNoRow) items[static_cast<std::size_t>(next[bucket(i)]++)] = i;
    }
  }
};

template <class T>
void copy_row(const T* from, std::int64_t n, T* to) {
  if (n == 1) {
    *to = *from;  // without a call, which would take longer than the copy
  } else {
    std::copy_n(from, n, to);
  }
}

template <class T>
void put(ScatterOp op, const T* from, T* to, std::int64_t n) {
  if constexpr (!std::is_same_v<T, bool>) {
    if (op == ScatterOp::add) {
      for (std::int64_t j = 0; j < n; ++j) {
        to[j] = static_cast<T>(Wrapping<T>(to[j]) + Wrapping<T>(from[j]));
      }
      return;
    }
  }
  copy_row(from, n, to);
}

}  // namespace

void gather(Cache& cache, const View& table_view, const View& rows_view, const View& out) {
  std::shared_ptr<Buffer> rows_keeper, table_keeper;
  const View rows = contiguous(cache, rows_view, rows_keeper);
  check_rows(rows, table_view.shape()[0], "gather");
  const auto* row = data_of<std::int32_t>(rows);
  if (out.shape().numel() == 0) return;
  const View table = with_dense_rows(cache, table_view, table_keeper);
  const std::int64_t width = width_of(table);
  const std::int64_t step = table.layout.stride(0);
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = data_of<T>(table);
    T* to = data_of<T>(out);
    if (width == 1) {
      return parallel_for(rows.shape().numel(), kGrain, [&](std::int64_t i, std::int64_t end) {
        for (; i < end; ++i) to[i] = row[i] == kNoRow ? T{} : from[row[i] * step];
      });
    }
    parallel_for(rows.shape().numel(), kGrain / width + 1, [&](std::int64_t i, std::int64_t end) {
      for (; i < end; ++i) {
        if (row[i] == kNoRow) {
          std::fill_n(to + i * width, width, T{});
        } else {
          copy_row(from + row[i] * step, width, to + i * width);
        }
      }
    });
  });
}

// A task owns the table rows of one bucket, or a strip of columns of them where rows are few, and
// adds to them in the order of `rows`.
void scatter(Cache& cache, ScatterOp op, const View& rows_view, const View& src_view,
             const View& table) {
  std::shared_ptr<Buffer> rows_keeper, src_keeper;
  const std::int64_t n = table.shape()[0];
  const View rows = contiguous(cache, rows_view, rows_keeper);
  check_rows(rows, n, "scatter");
  const auto* row = data_of<std::int32_t>(rows);
  if (src_view.shape().numel() == 0 || n == 0) return;
  const View src = contiguous(cache, src_view, src_keeper);
  const std::int64_t count = rows.shape().numel();
  const std::int64_t width = width_of(table);
  const bool alone = count * width < kGrain || num_threads() == 1;
  dispatch(table.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = data_of<T>(src);
    T* to = data_of<T>(table);
    if (alone && width == 1 && op == ScatterOp::assign) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (row[i] != kNoRow) to[row[i]] = from[i];
      }
      return;
    }
    if (alone) {
      for (std::int64_t i = 0; i < count; ++i) {
        if (row[i] != kNoRow) put(op, from + i * width, to + row[i] * width, width);
      }
      return;
    }
    const std::int64_t strip = n >= 16 ? width : 64;
    const std::int64_t strips = ceil_div(width, strip);
    // Sixteen narrow rows are for one task, so that hardly any two write to one cache line.
    const int together = width < 16 ? 4 : 0;
    const std::int64_t most = std::clamp<std::int64_t>(n >> together, 1, 64);
    const Buckets buckets(row, count, std::bit_floor(static_cast<std::uint32_t>(most)), together);
    const auto tasks = static_cast<std::int64_t>(buckets.starts.size() - 1) * strips;
    parallel_for(tasks, 1, [&](std::int64_t task, std::int64_t end) {
      for (; task < end; ++task) {
        const auto bucket = static_cast<std::size_t>(task / strips);
        const std::int64_t column = task % strips * strip;
        const std::int64_t columns = std::min(strip, width - column);
        for (std::int64_t k = buckets.starts[bucket]; k < buckets.starts[bucket + 1]; ++k) {
          const std::int64_t i = buckets.items[static_cast<std::size_t>(k)];
          put(op, from + i * width + column, to + row[i] * width + column, columns);
        }
      }
    });
  });
}

}  // namespace gradus::cpu
