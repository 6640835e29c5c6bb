// Which of the compiled instruction sets run here.
#include "backends/cpu/simd.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/highway.h>

#include "backends/cpu/amx.h"
#include "backends/cpu/bf16.h"
#include "backends/cpu/loops.h"
#include "tensor/error.h"

namespace gradus::cpu {

namespace {

constexpr std::string_view kAmx = "AMX";  // the best vectors, and tiles for products

// Those not disabled, the best first. Highway 1.0.3 chooses among all of the machine's when it is asked
// which there are, so it is told again.
std::vector<std::int64_t> targets_in_use() {
  std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return targets;
}

}  // namespace

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  if (amx_in_use()) names.emplace_back(kAmx);
  for (const std::int64_t target : targets_in_use()) {
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

void limit_simd(std::string_view name) {
  if (name == kAmx && amx_in_use()) return;
  for (const std::int64_t target : targets_in_use()) {
    if (name != hwy::TargetName(target)) continue;
    use_amx(false);
    use_bf16_vectors(target <= HWY_AVX3);
    hwy::DisableTargets(target - 1);  // they are numbered from the best up
    targets_in_use();
    return;
  }
  throw BackendError(fmt::format("[GRADUS_SIMD] '{}' is none of this machine's: {}", name,
                                 fmt::join(simd_targets(), ", ")));
}

}  // namespace gradus::cpu
