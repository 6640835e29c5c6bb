// The largest number of each window of an image, and its gradient. A vector holds what several windows of
// a line see at one place of theirs. Highway compiles this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/max_pool2d.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

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
    if (across == 1) stride.width = 1;             // there is no other to be far from
  }
};

// Planes that make a task.
std::int64_t group_of(const PoolSizes& s) { return kGrain / (s.height * s.width) + 1; }

template <class T>
constexpr std::int64_t kLanes = static_cast<std::int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));

// 0, step, 2 step, ...
template <class D, class I = hn::RebindToSigned<D>>
HWY_INLINE hn::Vec<I> multiples(D, std::int64_t step) {
  return hn::Mul(hn::Iota(I(), 0), hn::Set(I(), static_cast<hn::TFromD<I>>(step)));
}

// from[0], from[step], from[2 step], ..., as far as they lie before `end`.
template <class D, class T>
HWY_INLINE hn::Vec<D> load_every(D d, const T* from, std::int64_t step, const T* end) {
  const std::int64_t left = end - from;
  if (left >= step * kLanes<T>) {
    if (step == 1) return hn::LoadU(d, from);
#if HWY_TARGET != HWY_SCALAR
    if (step == 2) {
      hn::Vec<D> even, odd;
      hn::LoadInterleaved2(d, from, even, odd);
      return even;
    }
    if (step == 3) {
      hn::Vec<D> first, second, third;
      hn::LoadInterleaved3(d, from, first, second, third);
      return first;
    }
#endif
    return hn::GatherIndex(d, from, multiples(d, step));
  }
  HWY_ALIGN T numbers[kLanes<T>] = {};
  for (std::int64_t i = 0; i < kLanes<T> && i * step < left; ++i) numbers[i] = from[i * step];
  return hn::Load(d, numbers);
}

// NaN if either is.
template <class V>
HWY_INLINE V larger(V a, V b) {
  return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::Not(hn::Eq(a, a))), a, b);
}

// y = the largest of each window of a line of windows, whose top is at x: the largest of each column
// first, then of the columns of each window.
template <class T>
HWY_FLATTEN void pool_line(const PoolSizes& s, const T* x, std::vector<T>& columns, T* y) {
  write_row(columns.data(), s.width, [&](auto d, std::int64_t c, std::int64_t count) HWY_ATTR {
    auto most = load_some(d, x + c, count);
    for (std::int64_t i = 1; i < s.size.height; ++i) {
      most = larger(load_some(d, x + i * s.width + c, count), most);
    }
    return most;
  });
  const T* end = columns.data() + columns.size();
  write_row(y, s.across, [&](auto d, std::int64_t w, std::int64_t) HWY_ATTR {
    const T* first = columns.data() + w * s.stride.width;
    auto most = load_every(d, first, s.stride.width, end);
    for (std::int64_t j = 1; j < s.size.width; ++j) {
      most = larger(load_every(d, first + j, s.stride.width, end), most);
    }
    return most;
  });
}

template <class T>
void forward(const PoolSizes& s, const T* x, T* y) {
  parallel_for(s.planes, group_of(s), [&](std::int64_t p, std::int64_t end) {
    std::vector<T> columns(static_cast<std::size_t>(s.width + 2 * kLanes<T>));
    for (; p < end; ++p) {
      for (std::int64_t down = 0; down < s.down; ++down) {
        pool_line(s, x + (p * s.height + down * s.stride.height) * s.width, columns,
                  y + (p * s.down + down) * s.across);
      }
    }
  });
}

// The windows of a line, and before and after them some that give nothing.
template <class T>
struct Windows {
  std::int64_t before;         // so many
  std::vector<T> most, share;  // of each window: its y, and what each number that equals it gets
  std::vector<T> slopes;       // of a line of the image

  explicit Windows(const PoolSizes& s)
      : before((s.size.width - 1) / s.stride.width),
        most(static_cast<std::size_t>(before + s.width + 2 * kLanes<T>)),
        share(most.size()),
        slopes(static_cast<std::size_t>(s.width + s.stride.width * kLanes<T>)) {}
};

// In the forward pass y was the largest x of the window; now g goes in equal shares to the x that are
// not less than y. (Of a window with NaN these are all.)
template <class T>
HWY_FLATTEN void find_shares(const PoolSizes& s, const T* x, const T* end, const T* y, const T* g,
                             Windows<T>& windows) {
  const hn::ScalableTag<T> d;
  T* const share = windows.share.data() + windows.before;
  for (std::int64_t w = 0; w < s.across; w += kLanes<T>) {
    const auto most = load_some(d, y + w, s.across - w);
    auto equals = hn::Zero(d);
    for (std::int64_t i = 0; i < s.size.height; ++i) {
      for (std::int64_t j = 0; j < s.size.width; ++j) {
        const T* from = x + i * s.width + w * s.stride.width + j;
        const auto less = hn::Lt(load_every(d, from, s.stride.width, end), most);
        equals = hn::Add(equals, hn::IfThenElse(less, hn::Zero(d), hn::Set(d, T{1})));
      }
    }
    hn::StoreU(most, d, windows.most.data() + windows.before + w);
    hn::StoreU(hn::Div(load_some(d, g + w, s.across - w), equals), d, share + w);
  }
  std::fill(share + s.across, share + ceil_div(s.across, kLanes<T>) * kLanes<T>, T{0});
}

// Column u step + r is column j of the windows u - q, where j = r + q step is below their width.
template <class T>
HWY_FLATTEN void add_shares(const PoolSizes& s, const T* x, const T* end, Windows<T>& windows,
                            T* dx) {
  const hn::ScalableTag<T> d;
  const std::int64_t step = s.stride.width;
  const auto slope = [&](std::int64_t u, std::int64_t r) HWY_ATTR {
    const auto number = load_every(d, x + u * step + r, step, end);
    auto sum = hn::Zero(d);
    for (std::int64_t w = windows.before + u, j = r; j < s.size.width; --w, j += step) {
      const auto less = hn::Lt(number, hn::LoadU(d, windows.most.data() + w));
      sum = hn::Add(sum, hn::IfThenElse(less, hn::Zero(d), hn::LoadU(d, windows.share.data() + w)));
    }
    return sum;
  };
  T* const line = windows.slopes.data();
  for (std::int64_t u = 0; u * step < s.width; u += kLanes<T>) {
    if (step == 1) {
      hn::StoreU(slope(u, 0), d, line + u);
      continue;
    }
#if HWY_TARGET != HWY_SCALAR
    if (step == 2) {
      hn::StoreInterleaved2(slope(u, 0), slope(u, 1), d, line + 2 * u);
      continue;
    }
    if (step == 3) {
      hn::StoreInterleaved3(slope(u, 0), slope(u, 1), slope(u, 2), d, line + 3 * u);
      continue;
    }
#endif
    for (std::int64_t r = 0; r < std::min(step, s.size.width); ++r) {
      hn::ScatterIndex(slope(u, r), d, line + u * step + r, multiples(d, step));
    }
  }
  write_row(dx, s.width, [&](auto, std::int64_t c, std::int64_t count) HWY_ATTR {
    return hn::Add(load_some(d, dx + c, count), load_some(d, line + c, count));
  });
}

template <class T>
void backward(const PoolSizes& s, const T* x, const T* y, const T* g, T* dx) {
  const T* const x_end = x + s.planes * s.height * s.width;
  parallel_for(s.planes, group_of(s), [&](std::int64_t p, std::int64_t end) {
    Windows<T> windows(s);
    for (; p < end; ++p) {
      std::fill_n(dx + p * s.height * s.width, s.height * s.width, T{0});
      for (std::int64_t down = 0; down < s.down; ++down) {
        const std::int64_t line = (p * s.down + down) * s.across;
        std::int64_t top = (p * s.height + down * s.stride.height) * s.width;
        find_shares(s, x + top, x_end, y + line, g + line, windows);
        for (std::int64_t i = 0; i < s.size.height; ++i, top += s.width) {
          add_shares(s, x + top, x_end, windows, dx + top);
        }
      }
    }
  });
}

void forward_of(const View& x, const Size2d& size, const Size2d& stride, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    forward(PoolSizes(x, y, size, stride), data_of<T>(x), data_of<T>(y));
  });
}
void gradient_of(const View& x, const Size2d& size, const Size2d& stride, const View& y,
                 const View& g, const View& dx) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    backward(PoolSizes(x, y, size, stride), data_of<T>(x), data_of<T>(y), data_of<T>(g),
             data_of<T>(dx));
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(forward_of);
HWY_EXPORT(gradient_of);

bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride, const View& y) {
  constexpr std::int64_t kMostStep = 1 << 26;  // a vector's numbers are found by 32-bit distances
  if (!is_floating(x.dtype) || (y.shape()[-1] > 1 && stride.width > kMostStep)) return false;
  HWY_DYNAMIC_DISPATCH(forward_of)(x, size, stride, y);
  return true;
}

void max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride, const View& y,
                         const View& g, const View& dx) {
  HWY_DYNAMIC_DISPATCH(gradient_of)(x, size, stride, y, g, dx);
}

}  // namespace gradus::cpu
#endif
