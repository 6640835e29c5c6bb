// What the machine can do at the most: multiply-adds in registers, matrix products, copies. The
// other groups are read against these.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/limits_bench.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace gradus::bench::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Enough chains, none waiting for another, to fill two units of four cycles' latency; few enough
// for 16 registers.
constexpr int kChains = 12;

// FLOP done.
HWY_ATTR double multiply_adds(std::int64_t steps, float* out) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.5F), term = hn::Set(d, 1.0F);
  decltype(hn::Zero(d)) chains[kChains];
  for (auto& chain : chains) chain = term;
  for (std::int64_t i = 0; i < steps; ++i) {
    for (auto& chain : chains) chain = hn::MulAdd(chain, factor, term);
  }
  auto total = hn::Zero(d);
  for (auto& chain : chains) total = hn::Add(total, chain);
  *out = hn::GetLane(total);
  return 2.0 * kChains * static_cast<double>(hn::Lanes(d)) * static_cast<double>(steps);
}

}  // namespace gradus::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fmt/format.h>

#include <memory>
#include <numeric>
#include <vector>

#include "autograd/ops.h"
#include "bench/measure.h"
#include "tensor/parallel.h"

namespace gradus::bench {
namespace {

HWY_EXPORT(multiply_adds);

const bool kMultiplyAdds = add("limits/multiply-adds in registers", [] {
  constexpr std::int64_t kChunks = 32, kSteps = 1 << 18;
  const auto done = std::make_shared<std::vector<double>>(kChunks);
  return Row{.pass =
                 [done] {
                   parallel_for(kChunks, 1, [&](std::int64_t begin, std::int64_t end) {
                     float value = 0;
                     for (std::int64_t i = begin; i < end; ++i) {
                       (*done)[static_cast<std::size_t>(i)] =
                           HWY_DYNAMIC_DISPATCH(multiply_adds)(kSteps, &value);
                     }
                     benchmark::DoNotOptimize(value);
                   });
                 },
             .report =
                 [done](auto& state) {
                   state.counters["flops"] =
                       per_second(std::accumulate(done->begin(), done->end(), 0.0));
                 }};
});

const bool kProducts = [] {
  for (const std::int64_t size : {1024, 2048}) {
    add(fmt::format("limits/product [{0},{0}]", size), [size] {
      const Tensor a = ones({size, size}), b = ones({size, size});
      const double n = static_cast<double>(size);
      return Row{
          .pass = [a, b] { benchmark::DoNotOptimize(matmul(a, b)); },
          .report = [n](auto& state) { state.counters["flops"] = per_second(2 * n * n * n); }};
    });
  }
  return true;
}();

const bool kCopy = add("limits/copy of 64 MiB", [] {
  const Tensor from = ones({4096, 4096}), into = ones({4096, 4096});
  return Row{
      .pass = [from, into] { from.backend().unary(UnaryOp::copy, from.view(), into.view()); },
      .report =
          [](auto& state) { state.SetBytesProcessed(state.iterations() * 2 * 4 * 4096 * 4096); }};
});

}  // namespace
}  // namespace gradus::bench
#endif  // HWY_ONCE
