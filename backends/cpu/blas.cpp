#include "backends/cpu/blas.h"

#include <cblas.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <mutex>
#include <string_view>

namespace gradus::cpu {

namespace {

// OpenBLAS picks kernels by CPU model when it is loaded. A model younger than the library gets the
// oldest kernels (Prescott: SSE3, a fifth of the speed). The user may name others in the
// environment variable OPENBLAS_CORETYPE; it is too late for us to set it, so we ask the library to
// pick again.
void pick_kernels() {
#if defined(__x86_64__)
  const bool oldest = std::string_view(openblas_get_corename()) == "Prescott";
  const char* better = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                               __builtin_cpu_supports("avx512vl")
                           ? "SkylakeX"
                       : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "Haswell"
                                                                                         : nullptr;
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  if (!oldest || better == nullptr || std::getenv(kVariable) != nullptr) return;
  using Function = void (*)();
  const auto forget = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "gotoblas_dynamic_quit"));
  const auto pick = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "gotoblas_dynamic_init"));
  if (forget == nullptr || pick == nullptr) return;
  setenv(kVariable, better, 1);
  forget();
  pick();
  unsetenv(kVariable);
#endif
}

CBLAS_TRANSPOSE flag(Storage storage) {
  return storage == Storage::plain ? CblasNoTrans : CblasTrans;
}

}  // namespace

void tune_blas() {
  static std::once_flag once;
  std::call_once(once, [] {
    openblas_set_num_threads(1);
    pick_kernels();
  });
}

std::string blas_description() {
  const std::string_view config = openblas_get_config();  // "OpenBLAS 0.3.21 DYNAMIC_ARCH ..."
  return fmt::format("{} ({} kernels)", config.substr(0, config.find(' ', config.find(' ') + 1)),
                     openblas_get_corename());
}

void gemm(Storage a_storage, Storage b_storage, std::int64_t m, std::int64_t n, std::int64_t k,
          float alpha, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float beta, float* c, std::int64_t ldc) {
  cblas_sgemm(CblasRowMajor, flag(a_storage), flag(b_storage), static_cast<blasint>(m),
              static_cast<blasint>(n), static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda),
              b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

void gemm(Storage a_storage, Storage b_storage, std::int64_t m, std::int64_t n, std::int64_t k,
          double alpha, const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
          double beta, double* c, std::int64_t ldc) {
  cblas_dgemm(CblasRowMajor, flag(a_storage), flag(b_storage), static_cast<blasint>(m),
              static_cast<blasint>(n), static_cast<blasint>(k), alpha, a, static_cast<blasint>(lda),
              b, static_cast<blasint>(ldb), beta, c, static_cast<blasint>(ldc));
}

}  // namespace gradus::cpu
