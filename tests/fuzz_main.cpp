// libFuzzer's way in: it calls the target that GRADUS_FUZZ names. Seeds go to the folder that is the last
// argument, if it is one (./dev fuzz).
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "tensor/backend.h"
#include "tensor/parallel.h"
#include "tests/fuzz_targets.h"

namespace {

const gradus::FuzzTarget& chosen() {
  const char* name = std::getenv("GRADUS_FUZZ");
  for (const gradus::FuzzTarget& target : gradus::fuzz_targets()) {
    if (name != nullptr && std::string(name) == target.name) return target;
  }
  std::cerr << "GRADUS_FUZZ must be one of these:\n";
  for (const gradus::FuzzTarget& target : gradus::fuzz_targets()) std::cerr << target.name << "\n";
  std::exit(2);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const gradus::FuzzTarget& target = chosen();
  gradus::set_num_threads(1);
  gradus::set_default_backend("reference");  // its loops are compiled with the sanitizers, too
  const std::filesystem::path corpus = (*argv)[*argc - 1];
  if (!std::filesystem::is_directory(corpus)) return 0;
  int number = 0;
  for (const std::string& seed : target.seeds()) {
    std::ofstream(corpus / ("seed-" + std::to_string(number++)), std::ios::binary) << seed;
  }
  return 0;
}

// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const gradus::FuzzTarget& target = chosen();
  gradus::fuzz(target, std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
