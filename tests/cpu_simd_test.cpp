// What GRADUS_SIMD says is what runs (simd_test.cpp sets it), also after it was asked what there is.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/cpu_simd_test.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace gradus::HWY_NAMESPACE {

const char* running_target() { return hwy::TargetName(HWY_TARGET); }

}  // namespace gradus::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "backends/cpu/loops.h"
#include "tensor/backend.h"

namespace gradus {

HWY_EXPORT(running_target);

TEST_CASE("cpu: the kernels that run are of the instructions in use") {
  for (int time = 0; time < 2; ++time) {
    const std::string said = backend("cpu").description();
    std::string best = cpu::simd_targets().front();
    if (best == "AMX") best = cpu::simd_targets()[1];  // its vectors are the best that there are
    CHECK(said.find(cpu::simd_targets().front()) != std::string::npos);
    CHECK(HWY_DYNAMIC_DISPATCH(running_target)() == best);
  }
}

}  // namespace gradus
#endif
