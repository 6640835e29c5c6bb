// Sums of rows of a table, a bag of rows at a time. Highway compiles this file once for each kind of
// CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/gather_sum.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

constexpr std::int64_t kAhead = 16;  // rows that are asked of memory before they are needed

// out[b] = the sum of the rows of `table`, `width` elements each, that rows[offsets[b]] ..
// rows[offsets[b + 1] - 1] name, for bags [begin, end).
template <class T>
HWY_FLATTEN void sum_bags(const T* table, std::int64_t width, const std::int32_t* rows,
                          const std::int32_t* offsets, std::int64_t begin, std::int64_t end,
                          T* out) {
  const hn::ScalableTag<T> tag;
  const auto step = static_cast<std::int64_t>(hn::Lanes(tag));
  const std::int32_t last = offsets[end];
  const auto fetch = [&](std::int64_t i) HWY_ATTR {
    if (i < last) fetch_row(table + rows[i] * width, width);
  };
  for (std::int64_t i = offsets[begin]; i < offsets[begin] + kAhead; ++i) fetch(i);
  for (std::int64_t b = begin; b < end; ++b) {
    for (std::int64_t i = offsets[b]; i < offsets[b + 1]; ++i) fetch(i + kAhead);
    // Four vectors at a time: a sum waits for the one before.
    std::int64_t done = 0;
    for (; done + 4 * step <= width; done += 4 * step) {
      hn::Vec<decltype(tag)> sums[4] = {hn::Zero(tag), hn::Zero(tag), hn::Zero(tag), hn::Zero(tag)};
      for (std::int64_t i = offsets[b]; i < offsets[b + 1]; ++i) {
        const T* row = table + rows[i] * width + done;
        for (int v = 0; v < 4; ++v) sums[v] = hn::Add(sums[v], hn::LoadU(tag, row + v * step));
      }
      for (int v = 0; v < 4; ++v) hn::StoreU(sums[v], tag, out + b * width + done + v * step);
    }
    const auto rest = [&](auto d, std::int64_t c, std::int64_t count) HWY_ATTR {
      auto sum = hn::Zero(d);
      for (std::int64_t i = offsets[b]; i < offsets[b + 1]; ++i) {
        sum = hn::Add(sum, load_some(d, table + rows[i] * width + done + c, count));
      }
      return sum;
    };
    write_row(out + b * width + done, width - done, rest);
  }
}

void sum_bags_of(const View& table, const std::int32_t* rows, const std::int32_t* offsets,
                 std::int64_t begin, std::int64_t end, const View& out) {
  dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t width = out.shape().without(0).numel();
    sum_bags(data_of<T>(table), width, rows, offsets, begin, end, data_of<T>(out));
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(sum_bags_of);

void gather_sum(Cache& cache, const View& table_view, const View& rows, const View& offsets_view,
                const View& out) {
  std::shared_ptr<Buffer> keeper;
  const View table = contiguous(cache, table_view, keeper);
  const std::int64_t count = rows.shape()[0], n = table.shape()[0], bags = out.shape()[0];
  check_rows(rows, n, "gather_sum", 0);
  const auto* row = data_of<std::int32_t>(rows);
  if (out.shape().numel() == 0) return;
  const auto* offsets = data_of<std::int32_t>(offsets_view);
  const std::int64_t work =
      std::max<std::int64_t>(1, (count + bags) * out.shape().numel() / bags / bags);
  parallel_for(bags, std::max<std::int64_t>(1, kGrain / work),
               [&](std::int64_t begin, std::int64_t end) {
                 HWY_DYNAMIC_DISPATCH(sum_bags_of)(table, row, offsets, begin, end, out);
               });
}

}  // namespace gradus::cpu
#endif
