#include "nn/containers.h"

#include "nn/check.h"

namespace gradus::nn {

void Sequential::no_such_step(std::size_t i) const {
  throw IndexError(fmt::format("{}: step {} of {} is not of the type asked for, or is not there",
                               location(), i, steps_.size()));
}

}  // namespace gradus::nn
