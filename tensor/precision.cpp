#include "tensor/precision.h"

#include <atomic>

namespace gradus {

namespace {
std::atomic<MatmulPrecision> current{MatmulPrecision::f32};
}  // namespace

void set_matmul_precision(MatmulPrecision precision) { current = precision; }

MatmulPrecision matmul_precision() { return current; }

}  // namespace gradus
