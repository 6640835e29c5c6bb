// softmax, log_softmax and their gradients over the rows of a dense [rows, n]. Highway compiles
// this file once for each kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/softmax.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_fold-inl.h"
// clang-format on

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// The row's largest element, 0 in place of -inf: what to subtract before exp.
template <class T>
HWY_INLINE T shift_of(const T* x, std::int64_t n) {
  const T largest = max_row(x, n);
  return largest == -std::numeric_limits<T>::infinity() ? T{0} : largest;
}

// The sum of e^(x - shift); each(d, i, count, e) is called with every vector of these. Meanwhile the row
// after this one is asked of memory, which has nothing else to do.
template <class T, class F>
HWY_INLINE double sum_of_exp(const T* x, T shift, std::int64_t n, const F& each) {
  const T lowest = -std::numeric_limits<T>::infinity();
  return sum_of<T>(n, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    hwy::Prefetch(x + n + i);
    const auto centred = hn::Sub(load_some(d, x + i, count, lowest), hn::Set(d, shift));
    const auto e = exp_nonpositive(d, centred);
    each(d, i, count, e);
    return e;
  });
}

// A row that is to be written past the caches keeps its exponentials in `room`, others in y.
template <class T>
HWY_FLATTEN void softmax_row(const T* x, T* y, std::int64_t n, bool past_caches, T* room) {
  T* kept = past_caches ? room : y;
  const double sum = sum_of_exp(x, shift_of(x, n), n,
                                [&](auto d, std::int64_t i, std::int64_t count, auto e)
                                    HWY_ATTR { store_some(d, e, kept + i, count); });
  const T scale = sum == 0 ? T{0} : static_cast<T>(1 / sum);
  write_row(y, n, past_caches, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(load_some(d, kept + i, count), hn::Set(d, scale));
  });
}

template <class T>
HWY_FLATTEN void log_softmax_row(const T* x, T* y, std::int64_t n, bool past_caches) {
  const T shift = shift_of(x, n);
  const double sum = sum_of_exp(x, shift, n, [](auto...) {});
  const T log_sum = sum == 0 ? T{0} : static_cast<T>(std::log(sum));
  write_row(y, n, past_caches, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    const auto centred = hn::Sub(load_some(d, x + i, count), hn::Set(d, shift));
    return hn::Sub(centred, hn::Set(d, log_sum));
  });
}

// y * (g - sum(g * y))
template <class T>
HWY_FLATTEN void softmax_gradient_row(const T* y, const T* g, T* dx, std::int64_t n,
                                      bool past_caches) {
  const double dot = sum_of<T>(n, [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
    return hn::Mul(load_some(d, y + i, count), load_some(d, g + i, count));
  });
  write_row(dx, n, past_caches, std::array{y + n, g + n},
            [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
              const auto centred =
                  hn::Sub(load_some(d, g + i, count), hn::Set(d, static_cast<T>(dot)));
              return hn::Mul(load_some(d, y + i, count), centred);
            });
}

// g - e^y * sum(g)
template <class T>
HWY_FLATTEN void log_softmax_gradient_row(const T* y, const T* g, T* dx, std::int64_t n,
                                          bool past_caches) {
  const T sum = static_cast<T>(sum_row(g, n));
  write_row(dx, n, past_caches, std::array{y, g + n},
            [&](auto d, std::int64_t i, std::int64_t count) HWY_ATTR {
              const auto e = exp_nonpositive(d, load_some(d, y + i, count));
              return hn::NegMulAdd(e, hn::Set(d, sum), load_some(d, g + i, count));
            });
}

void softmax_rows(bool log, DType dtype, const void* x, void* y, std::int64_t rows, std::int64_t n,
                  bool past_caches) {
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> room(static_cast<std::size_t>(past_caches ? n : 0));
    for (std::int64_t r = 0; r < rows; ++r) {
      const T* from = static_cast<const T*>(x) + r * n;
      T* to = static_cast<T*>(y) + r * n;
      if (log) {
        log_softmax_row(from, to, n, past_caches);
      } else {
        softmax_row(from, to, n, past_caches, room.data());
      }
    }
  });
}

void softmax_gradient_rows(bool log, DType dtype, const void* y, const void* g, void* dx,
                           std::int64_t rows, std::int64_t n, bool past_caches) {
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto row = log ? log_softmax_gradient_row<T> : softmax_gradient_row<T>;
    for (std::int64_t r = 0; r < rows; ++r) {
      row(static_cast<const T*>(y) + r * n, static_cast<const T*>(g) + r * n,
          static_cast<T*>(dx) + r * n, n, past_caches);
    }
  });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(softmax_rows);
HWY_EXPORT(softmax_gradient_rows);

namespace {

// Calls body(i, rows, n, past_caches) for the rows of a dense result: so many of n elements, from element
// i on.
template <class Body>
void for_rows(const View& out, const Body& body) {
  const std::int64_t count = out.shape().numel();
  if (count == 0) return;
  const std::int64_t n = out.shape().rank() == 0 ? 1 : out.shape()[-1];
  const bool past = past_caches(out) && on_a_line(element(out, n));
  parallel_for(count / n, kGrain / 2 / n + 1, [&](std::int64_t r, std::int64_t end) {
    body(r * n, end - r, n, past);
    if (past) hwy::FlushStream();
  });
}

void forward(bool log, const View& x, const View& y) {
  for_rows(y, [&](std::int64_t i, std::int64_t rows, std::int64_t n, bool past) {
    HWY_DYNAMIC_DISPATCH(softmax_rows)
    (log, x.dtype, element(x, i), element(y, i), rows, n, past);
  });
}

void backward(bool log, const View& y, const View& g, const View& dx) {
  for_rows(dx, [&](std::int64_t i, std::int64_t rows, std::int64_t n, bool past) {
    HWY_DYNAMIC_DISPATCH(softmax_gradient_rows)
    (log, y.dtype, element(y, i), element(g, i), element(dx, i), rows, n, past);
  });
}

}  // namespace

void softmax(const View& x, const View& y) { forward(false, x, y); }
void log_softmax(const View& x, const View& y) { forward(true, x, y); }
void softmax_gradient(const View& y, const View& g, const View& dx) { backward(false, y, g, dx); }
void log_softmax_gradient(const View& y, const View& g, const View& dx) {
  backward(true, y, g, dx);
}

}  // namespace gradus::cpu
#endif
