#include "tensor/precision.h"

#include <atomic>

namespace gradus {

namespace {
std::atomic<MatmulPrecision> allowed{MatmulPrecision::f32};
}  // namespace

void set_matmul_precision(MatmulPrecision precision) { allowed = precision; }

MatmulPrecision matmul_precision() { return allowed; }

}  // namespace gradus
