// Random integers, each from 64 bits of a stream (tensor/random.h).

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "tensor/elements.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"
#include "tensor/random.h"

namespace gradus {

namespace {

constexpr std::int64_t kDrawnAtOnce = 4096;  // by one task
constexpr std::int64_t kEnd = std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1;

std::uint64_t bits_of(RandomState state, std::int64_t i) {
  const auto number = static_cast<std::uint64_t>(i);
  const auto block = philox(state.seed, state.next_stream, number / 2);
  const std::size_t pair = number % 2 * 2;
  return std::uint64_t{block[pair + 1]} << 32 | block[pair];
}

// Of the product's 128 bits the upper 64.
std::uint64_t high_half(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(a) * b >> 64);
}

// In [0, n): each is as likely as the next, to within n / 2^64.
std::int64_t below(std::int64_t n, std::uint64_t bits) {
  return static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(n));
}
// In [0, 1).
double fraction(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
double fraction(RandomState state, std::int64_t i) { return fraction(bits_of(state, i)); }

// i32 of `shape` from f(bits, i) for element i, which has 64 bits of the stream.
template <class F>
Tensor drawn(RandomState state, const Shape& shape, Backend* backend, F f) {
  const Tensor out = empty(shape, {DType::i32, backend});  // refuses what memory cannot hold
  const Tensor stream = empty({2 * shape.numel()}, out.options());
  Backend& on = out.backend();
  const bool offered = on.uniform(state.seed, state.next_stream, stream.view());
  std::vector<std::uint32_t> words;  // of each element the low half and the high half
  write_parts<std::int32_t>(out, [&](std::int64_t first, std::span<std::int32_t> values) {
    words.resize(2 * values.size());
    if (offered) on.download(part_of(stream, 2 * first, std::ssize(words)), words.data());
    parallel_for(std::ssize(values), kDrawnAtOnce, [&](std::int64_t k, std::int64_t end) {
      for (; k < end; ++k) {
        const std::uint32_t* word = words.data() + 2 * k;
        const std::uint64_t bits =
            offered ? std::uint64_t{word[1]} << 32 | word[0] : bits_of(state, first + k);
        values[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(f(bits, first + k));
      }
    });
  });
  return out;
}

// Classes by their cumulated weights: the first that goes beyond a random part of the whole.
void draw_again(const double* weights, std::int64_t classes, std::int64_t row, RandomState state,
                std::span<std::int32_t> to) {
  std::vector<double> sums(static_cast<std::size_t>(classes));
  std::partial_sum(weights, weights + classes, sums.begin());
  for (std::size_t j = 0; j < to.size(); ++j) {
    const auto number = row * std::ssize(to) + static_cast<std::int64_t>(j);
    const double at = fraction(state, number) * sums.back();
    // Rounded up to the whole, the part belongs to the last class that has a weight.
    const auto end = std::lower_bound(sums.begin(), sums.end(), sums.back());
    to[j] = static_cast<std::int32_t>(std::upper_bound(sums.begin(), end, at) - sums.begin());
  }
}

// The earliest of exponential waiting times with the weights as rates: Efraimidis and Spirakis,
// "Weighted random sampling with a reservoir", 2006.
void draw_once(const double* weights, std::int64_t classes, std::int64_t row, RandomState state,
               std::span<std::int32_t> to) {
  std::vector<double> waits(static_cast<std::size_t>(classes));
  for (std::int64_t c = 0; c < classes; ++c) {
    const double u = 1 - fraction(state, row * classes + c);  // never 0
    waits[static_cast<std::size_t>(c)] = weights[c] > 0 ? -std::log(u) / weights[c] : kInfinity;
  }
  std::vector<std::int32_t> order(waits.size());
  std::iota(order.begin(), order.end(), 0);
  std::partial_sort(order.begin(), order.begin() + std::ssize(to), order.end(),
                    [&](std::int32_t a, std::int32_t b) {
                      const double x = waits[static_cast<std::size_t>(a)];
                      const double y = waits[static_cast<std::size_t>(b)];
                      return x < y || (x == y && a < b);
                    });
  std::copy_n(order.begin(), to.size(), to.begin());
}

// A power of two near the largest of a row's weights: in such units no sum of weights is infinite,
// and no quotient by one.
double unit_of(const double* weights, std::int64_t classes) {
  const double most = *std::max_element(weights, weights + classes);
  return most > 0 ? std::scalbn(1.0, std::ilogb(most)) : 1;
}

// How many of a row's classes have a weight. Throws Error for weights that are none.
std::int64_t check_weights(const double* weights, std::int64_t classes, std::int64_t row) {
  std::int64_t possible = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    if (!(weights[c] >= 0 && weights[c] < kInfinity)) {
      throw Error(fmt::format(
          "[multinomial] {} (class {} of row {}) is not a probability: it must be at least "
          "0 and finite",
          weights[c], c, row));
    }
    possible += weights[c] > 0;
  }
  return possible;
}

}  // namespace

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Backend* backend) {
  if (!(low < high && low >= -kEnd && high <= kEnd)) {
    throw Error(fmt::format("[randint] there is no i32 in [{}, {})", low, high));
  }
  const RandomState state = take_stream();
  // The remainder by n without a division each: the quotient by 2^64 / n is right or one too small.
  const auto n = static_cast<std::uint64_t>(high - low);
  const std::uint64_t inverse = std::numeric_limits<std::uint64_t>::max() / n;
  return drawn(state, shape, backend, [=](std::uint64_t bits, std::int64_t) {
    const std::uint64_t rest = bits - high_half(bits, inverse) * n;
    return low + static_cast<std::int64_t>(rest < n ? rest : rest - n);
  });
}

// Fisher and Yates: every order is equally likely.
Tensor randperm(std::int64_t n, Backend* backend) {
  const Shape shape{n};
  if (n > kEnd) throw ShapeError(fmt::format("[randperm] {} numbers do not fit i32", n));
  const Tensor out = empty(shape, {DType::i32, backend});
  std::vector<std::int32_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  const RandomState state = take_stream();
  for (std::int64_t i = n - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(below(i + 1, bits_of(state, i)))]);
  }
  out.backend().upload(order.data(), out.view());
  return out;
}

Tensor bernoulli(const Tensor& p) {
  const std::vector<double> chances = p.to_vector<double>();
  for (double chance : chances) {
    if (!(chance >= 0 && chance <= 1))
      throw Error(fmt::format("[bernoulli] the probability {} is not in [0, 1]", chance));
  }
  const RandomState state = take_stream();
  return drawn(state, p.shape(), &p.backend(), [&](std::uint64_t bits, std::int64_t i) {
    return fraction(bits) < chances[static_cast<std::size_t>(i)];
  });
}

Tensor multinomial(const Tensor& probabilities, std::int64_t count, bool replacement) {
  if (probabilities.rank() < 1 || probabilities.rank() > 2 || count < 1) {
    throw ShapeError(
        fmt::format("[multinomial] {} of {}: probabilities are [classes] or [n, classes], and at "
                    "least 1 is drawn",
                    count, to_string(probabilities.shape())));
  }
  const std::int64_t classes = probabilities.size(-1);
  std::vector<double> weights = probabilities.to_vector<double>();
  const Tensor out =
      empty(probabilities.shape().with(-1, count), {DType::i32, &probabilities.backend()});
  std::vector<std::int32_t> values(static_cast<std::size_t>(out.numel()));
  const RandomState state = take_stream();
  parallel_for(out.numel() / count, 1, [&](std::int64_t row, std::int64_t end) {
    for (; row < end; ++row) {
      double* of_row = weights.data() + row * classes;
      const std::int64_t possible = check_weights(of_row, classes, row);
      if (possible < (replacement ? 1 : count)) {
        throw Error(
            fmt::format("[multinomial] of row {} only {} classes can be drawn, not {}; draw "
                        "with replacement, or fewer",
                        row, possible, count));
      }
      const double unit = unit_of(of_row, classes);
      std::for_each(of_row, of_row + classes, [unit](double& weight) { weight /= unit; });
      const std::span<std::int32_t> to(values.data() + row * count,
                                       static_cast<std::size_t>(count));
      (replacement ? draw_again : draw_once)(of_row, classes, row, state, to);
    }
  });
  out.backend().upload(values.data(), out.view());
  return out;
}

}  // namespace gradus
