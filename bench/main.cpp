// The benchmarks' program: Google Benchmark's options, and --threads=N (all cores unless said).
// `./dev bench` runs it by way of bench/report.py.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tensor/backend.h"
#include "tensor/parallel.h"

int main(int argc, char** argv) {
  const std::string option = "--threads=";
  std::vector<char*> rest;
  for (char* argument : std::vector<char*>(argv, argv + argc)) {
    if (std::string(argument).rfind(option, 0) == 0) {
      gradus::set_num_threads(std::atoi(argument + option.size()));
    } else {
      rest.push_back(argument);
    }
  }
  int count = static_cast<int>(rest.size());
  rest.push_back(nullptr);
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 1;
  benchmark::AddCustomContext("backend", gradus::default_backend().description());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
