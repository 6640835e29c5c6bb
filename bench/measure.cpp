#include "bench/measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "autograd/ops.h"
#include "tensor/backend.h"
#include "tensor/precision.h"

namespace gradus::bench {

namespace {

// The row that ran last: repetitions of a row come one after another.
struct Current {
  std::string name;
  Row row;
};
Current& current() {
  static Current instance;
  return instance;
}

double page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_minflt);
}

void run(benchmark::State& state, const Row& row) {
  Backend& on = default_backend();
  on.reset_peak_memory();
  const MemoryStats before = on.memory();
  const double faults = page_faults();
  for (auto _ : state) row.pass();
  const MemoryStats after = on.memory();
  state.counters["faults"] = per_pass(page_faults() - faults);
  state.counters["fresh"] = per_pass(static_cast<double>(after.fresh - before.fresh));
  state.counters["peak"] = static_cast<double>(after.peak) - static_cast<double>(before.in_use);
  if (row.report) row.report(state);
}

}  // namespace

bool add(const std::string& name, const std::function<Row()>& make) {
  benchmark::RegisterBenchmark(name.c_str(),
                               [name, make](benchmark::State& state) {
                                 if (current().name != name) {
                                   current() = {};
                                   current() = {name, make()};
                                 }
                                 run(state, current().row);
                               })
      ->MeasureProcessCPUTime()
      ->UseRealTime();
  return true;
}

Row in_bf16(const Row& row) {
  const auto rounded = [](const auto& function) {
    set_matmul_precision(MatmulPrecision::bf16);
    function();
    set_matmul_precision(MatmulPrecision::f32);
  };
  return {.pass = [=] { rounded(row.pass); },
          .report = [=](auto& state) { rounded([&] { row.report(state); }); }};
}

benchmark::Counter per_second(double amount) {
  return {amount, benchmark::Counter::kIsIterationInvariantRate};
}
benchmark::Counter per_pass(double total) { return {total, benchmark::Counter::kAvgIterations}; }

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double seconds(const std::function<void()>& body) {
  double best = 1e9;
  for (int i = 0; i < 7; ++i) {
    const double start = now();
    body();
    best = std::min(best, now() - start);
  }
  return best;
}

double product_rate() {
  static const double rate = [] {
    const std::int64_t size = 1024;
    const Tensor a = ones({size, size}), b = ones({size, size});
    return 2.0 * size * size * size / seconds([&] { matmul(a, b); });
  }();
  return rate;
}

double copy_rate() {
  static const double rate = [] {
    const Tensor from = ones({4096, 4096}), into = ones({4096, 4096});
    return 2.0 * 4 * 4096 * 4096 /
           seconds([&] { from.backend().unary(UnaryOp::copy, from.view(), into.view()); });
  }();
  return rate;
}

}  // namespace gradus::bench
