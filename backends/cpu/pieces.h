// How elementwise kernels cut their work: into tasks, and these into pieces that lie dense.
#pragma once

#include <hwy/cache_control.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

// Rows at least this long are taken one at a time; shorter ones are gathered to pieces.
inline constexpr std::int64_t kLongRow = 128;

// Calls body(begin, n, to, past_caches) over pieces of out of at most `most` elements, each of one row if
// rows are long; `to` is where n elements from `begin` on go. Each task makes a body of its own.
template <class Task>
void for_pieces(std::int64_t most, std::int64_t row, const View& out, const Task& make_body) {
  const std::int64_t count = out.shape().numel();
  const bool past = past_caches(count * static_cast<std::int64_t>(size_of(out.dtype)));
  if (row < kLongRow) row = count;
  parallel_for(count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    auto body = make_body();
    for (std::int64_t i = begin; i < end;) {
      const std::int64_t n = std::min({most, end - i, row - i % row});
      void* to = element(out, i);
      body(i, n, to, past && on_a_line(to));
      i += n;
    }
    if (past) hwy::FlushStream();
  });
}

// Reading a large transposed operand element by element wastes a cache line on each: it is laid out
// first, in tiles (elementwise.cpp).
View readable(Cache& cache, const View& x, std::shared_ptr<Buffer>& keeper);

}  // namespace gradus::cpu
