// The largest number of each window of an image, and its gradient.
#include <algorithm>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

struct PoolSizes {
  std::int64_t planes, height, width, down, across;
  Size2d size, stride;

  PoolSizes(const View& x, const View& y, const Size2d& window, const Size2d& step)
      : height(x.shape()[-2]),
        width(x.shape()[-1]),
        down(y.shape()[-2]),
        across(y.shape()[-1]),
        size(window),
        stride(step) {
    planes = y.shape().numel() / (down * across);  // a window fits, so neither is 0
  }
};

// Calls body(p) for every plane, in parallel.
template <class Body>
void for_planes(const PoolSizes& s, const Body& body) {
  parallel_for(s.planes, kGrain / (s.height * s.width) + 1, [&](std::int64_t p, std::int64_t end) {
    for (; p < end; ++p) body(p);
  });
}

// NaN if either is.
template <class T>
T larger(T a, T b) {
  return a > b || a != a ? a : b;
}

// The largest of each column of a line of windows first, then of the columns of each window.
template <class T>
void forward(const PoolSizes& s, const T* x, T* y) {
  for_planes(s, [&](std::int64_t p) {
    std::vector<T> line(static_cast<std::size_t>(s.width));
    T* out = y + p * s.down * s.across;
    for (std::int64_t down = 0; down < s.down; ++down, out += s.across) {
      const T* top = x + (p * s.height + down * s.stride.height) * s.width;
      std::copy_n(top, s.width, line.data());
      for (std::int64_t i = 1; i < s.size.height; ++i) {
        const T* next = top + i * s.width;
        for (std::size_t c = 0; c < line.size(); ++c) line[c] = larger(next[c], line[c]);
      }
      for (std::int64_t a = 0; a < s.across; ++a) out[a] = line[a * s.stride.width];
      for (std::int64_t j = 1; j < s.size.width; ++j) {
        const T* next = line.data() + j;
        for (std::int64_t a = 0; a < s.across; ++a) {
          out[a] = larger(next[a * s.stride.width], out[a]);
        }
      }
    }
  });
}

// In the forward pass y was the largest x of the window; now g goes in equal shares to the x that are
// not less than y. (Of a window with NaN these are all.)
template <class T>
void backward(const PoolSizes& s, const T* x, const T* y, const T* g, T* dx) {
  for_planes(s, [&](std::int64_t p) {
    std::fill_n(dx + p * s.height * s.width, s.height * s.width, T{0});
    // Of each window of a line what its largest numbers get, and behind these what the others get:
    // nothing. It is looked up, since a branch would be guessed wrong half the time.
    std::vector<T> share(static_cast<std::size_t>(2 * s.across));
    for (std::int64_t down = 0; down < s.down; ++down) {
      const T* most = y + (p * s.down + down) * s.across;
      const T* slope = g + (p * s.down + down) * s.across;
      const auto for_line = [&](const auto& body) {  // body(window, one of its numbers)
        const std::int64_t top = (p * s.height + down * s.stride.height) * s.width;
        for (std::int64_t i = 0; i < s.size.height; ++i) {
          for (std::int64_t j = 0; j < s.size.width; ++j) {
            std::int64_t at = top + i * s.width + j;
            for (std::int64_t w = 0; w < s.across; ++w, at += s.stride.width) body(w, at);
          }
        }
      };
      std::fill_n(share.begin(), s.across, T{0});
      for_line([&](std::int64_t w, std::int64_t at) { share[w] += x[at] < most[w] ? T{0} : T{1}; });
      for (std::int64_t w = 0; w < s.across; ++w) share[w] = slope[w] / share[w];
      for_line([&](std::int64_t w, std::int64_t at) {
        dx[at] += share[w + s.across * static_cast<std::int64_t>(x[at] < most[w])];
      });
    }
  });
}

}  // namespace

bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride, const View& y) {
  if (!is_floating(x.dtype)) return false;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    forward(PoolSizes(x, y, size, stride), data_of<T>(x), data_of<T>(y));
  });
  return true;
}

void max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride, const View& y,
                         const View& g, const View& dx) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    backward(PoolSizes(x, y, size, stride), data_of<T>(x), data_of<T>(y), data_of<T>(g),
             data_of<T>(dx));
  });
}

}  // namespace gradus::cpu
