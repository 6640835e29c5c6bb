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

// Uniform in [low, high), or at high where f32 rounds up to it. f32 or f64. Throws Error unless low
// <= high and both are finite.
Tensor uniform(const Shape& shape, double low = 0, double high = 1, TensorOptions options = {});
// Normal, by the Box-Muller transform ("A note on the generation of random normal deviates", 1958).
// Throws Error unless both numbers are finite and the deviation at least 0.
Tensor normal(const Shape& shape, double mean = 0, double deviation = 1,
              TensorOptions options = {});

// Whole numbers, i32 (random_integers.cpp). Throw Error for what no number can be drawn from.
//
// Each number in [low, high) is equally likely.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Backend* backend = nullptr);
// 0 .. n - 1 in random order.
Tensor randperm(std::int64_t n, Backend* backend = nullptr);
// 1 with the probability that the element of p is, else 0.
Tensor bernoulli(const Tensor& p);
// Of each row of probabilities [classes] or [n, classes], which need not add up to 1, the numbers of
// `count` classes: [count] or [n, count]. All different, as if drawn one after another, or with
// replacement.
Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement = false);

// The f32 numbers in [0, 1) of one stream.
Tensor uniform_stream(RandomState state, const Shape& shape, Backend& backend);

}  // namespace gradus
