// Random tensors. Each call takes the next Philox stream (tensor/philox.h) of the current seed, so
// a program that seeds once and makes the same calls gets the same numbers on every backend and
// with any number of threads.
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

// Restarts from stream 0 of `seed`. Until the first call the seed is 0.
void manual_seed(std::uint64_t seed);
// To save a point in the sequence and return to it.
RandomState random_state();
void set_random_state(RandomState state);
// Reserves a stream for the caller: the next_stream of the state returned. The next call gets the
// one after it.
RandomState take_stream();

// Uniform in [low, high), f32 or f64; in f32, rounding can give high itself. Throws Error unless
// low <= high and both are finite.
Tensor uniform(const Shape& shape, double low = 0, double high = 1, TensorOptions options = {});
// Normally distributed with this mean and standard deviation, by the Box-Muller transform
// (tensor/box_muller.h). Throws Error unless both are finite and the
// deviation is at least 0.
Tensor normal(const Shape& shape, double mean = 0, double deviation = 1,
              TensorOptions options = {});

// ---- Integers, i32 (random_integers.cpp). All throw Error for arguments that allow no draw. ----

// Uniform in [low, high).
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Backend* backend = nullptr);
// 0 .. n - 1 in random order.
Tensor randperm(std::int64_t n, Backend* backend = nullptr);
// Element i is 1 with probability p[i], else 0.
Tensor bernoulli(const Tensor& p);
// Draws `count` class indices for each row of probabilities [classes] or [n, classes], which need
// not add up to 1: [count] or [n, count]. Without replacement all indices of a row are different.
Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement = false);

// The f32 numbers in [0, 1) of one stream.
Tensor uniform_stream(RandomState state, const Shape& shape, Backend& backend);

}  // namespace gradus
