// The CPU backend.
#pragma once

#include <memory>

#include "tensor/backend.h"

namespace gradus {

std::unique_ptr<Backend> make_cpu_backend();

}  // namespace gradus
