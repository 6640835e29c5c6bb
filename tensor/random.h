// Random tensors. Numbers come from Philox (tensor/philox.h): each call takes the next stream of
// the current seed, so a program that seeds once and makes the same calls gets the same numbers on
// every backend and with any number of threads.
//
//   manual_seed(7);
//   Tensor w = normal({128, 64}, 0, 0.02);
#pragma once

#include <cstdint>

#include "tensor/tensor.h"

namespace gradus {

struct RandomState {
  std::uint64_t seed = 0;
  std::uint64_t next_stream = 0;
};

// Starts again from stream 0 of `seed`. The seed is 0 until this is called.
void manual_seed(std::uint64_t seed);
// For saving and coming back to a point in the sequence.
RandomState random_state();
void set_random_state(RandomState state);
// The state whose next_stream the caller may use; the next call gets the one after it.
RandomState take_stream();

// Uniform in [low, high), or at high where f32 rounds up to it. f32 or f64.
Tensor uniform(const Shape& shape, double low = 0, double high = 1, TensorOptions options = {});
// Normal, by the Box-Muller transform ("A note on the generation of random normal deviates", 1958).
Tensor normal(const Shape& shape, double mean = 0, double deviation = 1,
              TensorOptions options = {});
// The f32 numbers in [0, 1) of one stream.
Tensor uniform_stream(RandomState state, const Shape& shape, Backend& backend);

}  // namespace gradus
