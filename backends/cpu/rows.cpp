// gather and scatter of table rows.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
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
  std::vector<std::int64_t> starts;
  std::unique_ptr<std::uint32_t[]> items;

  Buckets(const std::int32_t* row, std::int64_t count, std::uint32_t buckets, int together)
      : starts(buckets + 1), items(new std::uint32_t[at(count)]) {  // not cleared
    const auto bucket = [=](std::int64_t i) {
      return static_cast<std::uint32_t>(row[i]) >> together & (buckets - 1);
    };
    // Each chunk counts its items for each bucket; these are put after those of the chunks before it.
    const std::int64_t chunks = ceil_div(count, kGrain);
    std::vector<std::int64_t> places(at(chunks) * buckets);
    parallel_for(count, kGrain, [&](std::int64_t i, std::int64_t end) {
      std::int64_t* counts = places.data() + at(i / kGrain) * buckets;
      for (; i < end; ++i) {
        if (row[i] != kNoRow) ++counts[bucket(i)];
      }
    });
    std::int64_t total = 0;
    for (std::size_t b = 0; b < buckets; ++b) {
      starts[b] = total;
      for (std::size_t place = b; place < places.size(); place += buckets) {
        total += std::exchange(places[place], total);
      }
    }
    starts[buckets] = total;
    parallel_for(count, kGrain, [&](std::int64_t i, std::int64_t end) {
      std::int64_t* next = places.data() + at(i / kGrain) * buckets;
      for (; i < end; ++i) {
        if (row[i] != kNoRow) items[at(next[bucket(i)]++)] = static_cast<std::uint32_t>(i);
      }
    });
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
};

// Cuts the numbers 0 .. count - 1, at multiples of `chunk`, into parts of which no two have a row in common:
// part p is [cuts[p], cuts[p + 1]).
std::vector<std::int64_t> cuts_between(const std::int32_t* row, std::int64_t count,
                                       std::int64_t chunk) {
  constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();
  struct Range {
    std::int32_t least = kNone, most = kNoRow;
  };
  std::vector<Range> ranges(static_cast<std::size_t>(ceil_div(count, chunk)));
  parallel_for(count, chunk, [&](std::int64_t i, std::int64_t end) {
    // Without branches and references: the compiler makes vectors of it.
    std::int32_t least = kNone, most = kNoRow;
    for (std::int64_t k = i; k < end; ++k) {
      const std::int32_t r = row[k], some = r & kNone;  // kNoRow becomes kNone
      least = some < least ? some : least;
      most = r > most ? r : most;
    }
    ranges[static_cast<std::size_t>(i / chunk)] = {least, most};
  });
  for (std::size_t k = ranges.size() - 1; k > 0; --k) {  // of this chunk and all later ones
    ranges[k - 1].least = std::min(ranges[k - 1].least, ranges[k].least);
  }
  std::vector<std::int64_t> cuts{0};
  std::int64_t most = kNoRow;  // of this chunk and all before
  for (std::size_t k = 1; k < ranges.size(); ++k) {
    most = std::max<std::int64_t>(most, ranges[k - 1].most);
    if (most < ranges[k].least) cuts.push_back(static_cast<std::int64_t>(k) * chunk);
  }
  cuts.push_back(count);
  return cuts;
}

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

// Table rows are written to in the order of `rows`, by one task each: where parts of that order have no table
// row in common, as in a scatter within each line, a task has one part. Else it has the table rows of one
// bucket, or a strip of columns of them where they are few.
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
  const bool narrow = width < 16;  // than a cache line
  // Buckets of single numbers are no use to a few threads: it takes longer to fill them.
  const bool small = count * width < kGrain || num_threads() == 1;
  const bool alone = small || (width < 4 && num_threads() < 4) ||
                     count > std::int64_t{std::numeric_limits<std::uint32_t>::max()};
  const std::int64_t line = rows_view.shape().rank() < 2 ? 1 : rows_view.shape()[-1];
  dispatch(table.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = data_of<T>(src);
    T* to = data_of<T>(table);
    const auto in_order = [=](std::int64_t i, std::int64_t end) {
      if (width == 1 && op == ScatterOp::assign) {
        for (; i < end; ++i) {
          if (row[i] != kNoRow) to[row[i]] = from[i];
        }
        return;
      }
      for (; i < end; ++i) {
        if (row[i] != kNoRow) put(op, from + i * width, to + row[i] * width, width);
      }
    };
    if (small) return in_order(0, count);
    const std::int64_t chunk = std::max<std::int64_t>(1, kGrain / (line * width)) * line;
    const std::vector<std::int64_t> cuts = cuts_between(row, count, chunk);
    if (std::ssize(cuts) - 1 > 2 * num_threads()) {
      return parallel_for(std::ssize(cuts) - 1, 1, [&](std::int64_t part, std::int64_t end) {
        in_order(cuts[static_cast<std::size_t>(part)], cuts[static_cast<std::size_t>(end)]);
      });
    }
    if (alone) return in_order(0, count);
    const std::int64_t strip = n >= 16 ? width : 64;
    const std::int64_t strips = ceil_div(width, strip);
    // Sixteen narrow rows are for one task, so that hardly any two write to one cache line.
    const int together = narrow ? 4 : 0;
    const std::int64_t wanted = narrow ? std::min(2 * num_threads(), 64) : 64;
    const std::int64_t most = std::clamp<std::int64_t>(n >> together, 1, wanted);
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
