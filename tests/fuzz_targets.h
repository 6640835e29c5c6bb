// What reads bytes that others have made, to be fuzzed: of any bytes it makes something that keeps the
// promises of its header, or it throws Error. tests/fuzz_test.cpp tries a few thousand inputs in every run
// of the tests, `./dev fuzz` as many as time allows, led by what the code does with them (libFuzzer).
#pragma once

#include <string>
#include <vector>

namespace gradus {

struct FuzzTarget {
  const char* name;
  // Inputs that are read without an Error, to begin with.
  std::vector<std::string> (*seeds)();
  void (*run)(const std::string& bytes);
};

const std::vector<FuzzTarget>& fuzz_targets();
// Runs the target; Error is an answer. Anything else that is thrown is a mistake.
void fuzz(const FuzzTarget& target, const std::string& bytes);

}  // namespace gradus
