// Which of the compiled instruction sets run here.
#include "backends/cpu/simd.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/highway.h>

#include "backends/cpu/loops.h"
#include "tensor/error.h"

namespace gradus::cpu {

// Highway numbers targets from the best up.
std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

void limit_simd(std::string_view name) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name == hwy::TargetName(target)) return hwy::DisableTargets(target - 1);
  }
  throw BackendError(fmt::format("[GRADUS_SIMD] '{}' is none of this machine's: {}", name,
                                 fmt::join(simd_targets(), ", ")));
}

}  // namespace gradus::cpu
