// What the benchmarks share. A row is a name, "group/what/pass", and a function that is timed; its
// data are made when it first runs and freed when the next row does:
//
//   const bool kAdded = bench::add("adam/dense", [] {
//     auto table = std::make_shared<Table>();
//     return bench::Row{.pass = [table] { table->step(); }};
//   });
//
// Beside the time each row counts, a pass: `fresh`, buffers that had to be asked from the system;
// `faults`, pages touched for the first time; `peak`, bytes in use at the most above what was in
// use before. bench/report.py runs the groups, takes medians and puts them beside PyTorch's.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>

namespace gradus::bench {

struct Row {
  std::function<void()> pass;  // what is timed
  // Adds counters of the row's own, after state.iterations() passes.
  std::function<void(benchmark::State& state)> report = {};
};

// Always true, so that it can initialise a constant before main().
bool add(const std::string& name, const std::function<Row()>& make);

// The same with the numbers of products rounded to bf16, where the machine multiplies them
// (tensor/precision.h).
Row in_bf16(const Row& row);

// For state.counters: `amount`, done or needed in each pass, over the time of a pass.
benchmark::Counter per_second(double amount);
// `total`, added up over the passes, over their number.
benchmark::Counter per_pass(double total);

// Seconds since some moment.
double now();
// The least time of a few calls.
double seconds(const std::function<void()>& body);

// What this machine can do, with as many threads as are set now. Measured when first asked for.
double product_rate();  // FLOP/s of the default backend's f32 product of 1024 x 1024 matrices
double copy_rate();     // bytes/s, read and written, of its copy of 64 MiB

}  // namespace gradus::bench
