// The CPU backend: Highway for vectors, AMX for products where the CPU has it, oneTBB for threads. It
// takes every offer of the seam. Results are the same bits for any number of threads.
#pragma once

#include <memory>

#include "tensor/backend.h"

namespace gradus {

std::unique_ptr<Backend> make_cpu_backend();

}  // namespace gradus
