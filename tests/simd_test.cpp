// The kernels' tests again with each instruction set that this machine has, in a process of its own
// each: GRADUS_SIMD is read once.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "backends/cpu/loops.h"
#include "tensor/error.h"
#include "tests/temporary_folder.h"

using namespace gradus;

TEST_CASE("simd: every instruction set passes the kernels' tests") {
  if (std::getenv("GRADUS_SIMD") != nullptr) return;
  const std::vector<std::string> targets = cpu::simd_targets();
  REQUIRE(!targets.empty());
  const TemporaryFolder folder;
  for (std::size_t i = 1; i < targets.size(); ++i) {  // the first is what all other tests run with
    const std::string log = (folder.path() / targets[i]).string();
    const std::string command = fmt::format(
        "GRADUS_SIMD={} '{}/gradus_tests' --source-file='*/cpu_*,*/fused_test*,*/op_test*' "
        "--no-version > '{}' 2>&1",
        targets[i], GRADUS_BUILD_DIR, log);
    const int status = std::system(command.c_str());
    std::ifstream file(log);
    INFO(targets[i] << ":\n" << std::string(std::istreambuf_iterator<char>(file), {}));
    CHECK(status == 0);
  }
}

TEST_CASE("simd: an unknown instruction set is refused") {
  CHECK_THROWS_WITH_AS(cpu::limit_simd("AVX9"),
                       doctest::Contains(cpu::simd_targets().front().c_str()), BackendError);
}
