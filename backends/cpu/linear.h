// The vector loops of a linear layer, compiled for each kind of CPU (linear.cpp).
#pragma once

#include <cstdint>

#include "tensor/backend.h"

namespace gradus::cpu {

struct LinearLoops {
  // y = f(y + bias), in place, over a tile whose rows are `distance` elements apart.
  void (*finish)(void* tile, std::int64_t rows, std::int64_t columns, std::int64_t distance,
                 const void* bias) = nullptr;
  // ds = g * f'(y) over dense rows of n elements, those of ds `distance` apart; dbias += the sums of
  // ds's columns.
  void (*slope)(const void* g, const void* y, std::int64_t rows, std::int64_t n, void* ds,
                std::int64_t distance, void* dbias) = nullptr;
};
// Null ones for an activation whose slope y does not tell.
LinearLoops linear_loops(UnaryOp f, DType dtype);

}  // namespace gradus::cpu
