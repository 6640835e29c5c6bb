// Why fast programs are fast, counted instead of timed. Course, chapter 9.

#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

// C = A B for n x n matrices, in tiles of t x t that fit into the cache: numbers read from memory.
long reads(long n, long t) {
  long count = 0;
  for (long i = 0; i < n; i += t) {
    for (long j = 0; j < n; j += t) {
      for (long k = 0; k < n; k += t) count += 2 * t * t;  // a tile of A, a tile of B
    }
  }
  return count;
}

// softmax(scores) . values in one pass over tiles, never holding more than a tile of scores: the
// largest score so far, the sum and the answer measured from it.
double online_attention(const std::vector<double>& scores, const std::vector<double>& values,
                        std::size_t tile) {
  double largest = -INFINITY, sum = 0, answer = 0;
  for (std::size_t begin = 0; begin < scores.size(); begin += tile) {
    const std::size_t end = std::min(begin + tile, scores.size());
    const double now = std::max(largest, *std::max_element(&scores[begin], &scores[0] + end));
    const double shrink = std::exp(largest - now);  // what was measured from the old largest
    sum *= shrink;
    answer *= shrink;
    for (std::size_t i = begin; i < end; ++i) {
      const double e = std::exp(scores[i] - now);
      sum += e;
      answer += e * values[i];
    }
    largest = now;
    std::printf("  after %zu: largest %.0f, sum %.3f, answer %.3f\n", end, largest, sum,
                answer / sum);
  }
  return answer / sum;
}

// The sum of `numbers` in f32, cut into parts of `size` that are added up in their order.
float sum_in_parts(const std::vector<float>& numbers, std::size_t size) {
  float total = 0;
  for (std::size_t begin = 0; begin < numbers.size(); begin += size) {
    const std::size_t end = std::min(begin + size, numbers.size());
    float part = 0;
    for (std::size_t i = begin; i < end; ++i) part += numbers[i];
    total += part;
  }
  return total;
}

int main() {
  std::printf("reads for 512 x 512, tile 1: %ld, 8: %ld, 64: %ld\n", reads(512, 1), reads(512, 8),
              reads(512, 64));

  std::printf("online attention\n");
  const double answer = online_attention({1, 2, 3, 0}, {10, 20, 30, 40}, 2);
  using namespace gradus;
  const Tensor weights = softmax(tensor({1, 2, 3, 0}, {.dtype = DType::f64}));
  const double plain = sum(weights * tensor({10, 20, 30, 40}, {.dtype = DType::f64})).item();
  std::printf("  by softmax: %.3f\n", plain);

  std::vector<float> numbers(1000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 1 / static_cast<float>(i + 1);
  for (const std::size_t threads : {1, 2, 3}) {
    const std::size_t share = (numbers.size() + threads - 1) / threads;
    std::printf("a share for each of %zu threads: %.7f\n", threads, sum_in_parts(numbers, share));
  }
  std::printf("parts of 100, any number of threads: %.7f\n", sum_in_parts(numbers, 100));
  return std::abs(answer - plain) < 1e-12 ? 0 : 1;
}
