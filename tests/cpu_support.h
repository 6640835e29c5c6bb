// Views of random numbers in many layouts, and comparison of what two backends make of them. Both
// the backends under test run on the CPU, so they can read the same memory.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "backends/host.h"
#include "tensor/backend.h"
#include "tensor/philox.h"

namespace gradus::test {

inline Backend& cpu() { return backend("cpu"); }
inline Backend& reference() { return backend("reference"); }

// A view with the memory it sees.
struct Owned {
  std::shared_ptr<Buffer> buffer;
  View view;

  operator const View&() const { return view; }
};

// Memory filled with bytes that are NaN as floats, so that what a kernel forgets to write shows.
inline Owned blank(DType dtype, const Shape& shape) {
  const auto bytes = static_cast<std::size_t>(shape.numel()) * size_of(dtype);
  Owned result{cpu().allocate(bytes), {}};
  std::fill_n(result.buffer->host(), bytes,
              dtype == DType::boolean ? std::byte{1} : std::byte{255});
  result.view = {result.buffer.get(), dtype, Layout(shape)};
  return result;
}

// A dense view of these numbers.
inline Owned of(DType dtype, const std::vector<double>& list) {
  Owned result = blank(dtype, Shape{static_cast<std::int64_t>(list.size())});
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < list.size(); ++i)
      data_of<T>(result.view)[i] = static_cast<T>(list[i]);
  });
  return result;
}

// Numbers in [low, high), whole for i32, and 0 or 1 for boolean, laid out as `layout` says.
inline Owned numbers(DType dtype, const Layout& layout, double low = -3, double high = 3,
                     std::uint64_t seed = 1) {
  std::int64_t size = layout.offset + 1;
  for (int axis = 0; axis < layout.shape.rank(); ++axis) {
    if (layout.shape[axis] > 0) size += (layout.shape[axis] - 1) * layout.stride(axis);
  }
  Owned result = blank(dtype, Shape{size});
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < size; ++i) {
      const auto bits = philox(seed, 7, static_cast<std::uint64_t>(i))[0];
      const double value = low + (high - low) * to_uniform(bits);
      if constexpr (std::is_same_v<T, bool>) {
        data_of<T>(result.view)[i] = bits % 2 == 0;
      } else {
        data_of<T>(result.view)[i] = static_cast<T>(value);
      }
    }
  });
  result.view.layout = layout;
  return result;
}

// The elements in row-major order, as doubles.
inline std::vector<double> values(const View& x) {
  std::vector<double> result;
  dispatch(x.dtype, [&](auto zero) {
    for (std::int64_t i = 0; i < x.shape().numel(); ++i) {
      result.push_back(static_cast<double>(data_of<decltype(zero)>(x)[position(x.layout, i)]));
    }
  });
  return result;
}

// |a - b| <= absolute + relative * |b|, or both NaN, or the same infinity.
inline void check_close(const View& a, const View& b, double relative, double absolute,
                        const std::string& what) {
  const std::vector<double> x = values(a), y = values(b);
  REQUIRE(x.size() == y.size());
  std::size_t bad = 0, first = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool same = x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i])) ||
                      std::abs(x[i] - y[i]) <= absolute + relative * std::abs(y[i]);
    if (!same && bad++ == 0) first = i;
  }
  CAPTURE(what);
  CAPTURE(x.size());
  CAPTURE(first);
  CAPTURE((bad > 0 ? x[first] : 0));
  CAPTURE((bad > 0 ? y[first] : 0));
  CHECK(bad == 0);
}

inline void check_same(const View& a, const View& b, const std::string& what) {
  check_close(a, b, 0, 0, what);
}

// Every kind of layout a kernel may meet; sizes are odd and cross the kernels' block sizes.
inline std::vector<Layout> layouts() {
  const auto permuted = [](const Shape& shape, std::vector<int> axes) {
    return Layout(shape).permuted(axes);
  };
  return {
      Layout(Shape{}),
      Layout(Shape{1}),
      Layout(Shape{1, 1, 1}),
      Layout(Shape{0}),
      Layout(Shape{3, 0, 2}),
      Layout(Shape{7}),
      Layout(Shape{100003}),
      Layout(Shape{37, 61}),
      Layout(Shape{5, 1, 9}),
      permuted({37, 61}, {1, 0}),                                // transposed
      permuted({211, 401}, {1, 0}),                              // and large
      permuted({3, 5, 7, 11}, {0, 2, 1, 3}),                     // heads and time swapped
      permuted({13, 5, 31, 33}, {3, 1, 2, 0}),                   //
      Layout(Shape{40, 60}).sliced(0, 3, 33, 1),                 // rows
      Layout(Shape{40, 60}).sliced(1, 5, 59, 1),                 // columns
      Layout(Shape{40, 63}).sliced(1, 1, 62, 3),                 // every third
      Layout(Shape{300, 1300}).sliced(1, 100, 1250, 2),          //
      Layout(Shape{1}).broadcast_to({5, 7}),                     // one number
      Layout(Shape{1}).broadcast_to({70001}),                    //
      Layout(Shape{9}).broadcast_to({33, 9}),                    // a row, again and again
      Layout(Shape{700}).broadcast_to({90, 700}),                //
      Layout(Shape{33, 1}).broadcast_to({33, 9}),                // a column
      Layout(Shape{90, 1}).broadcast_to({90, 700}),              //
      Layout(Shape{4, 1, 6}).broadcast_to({2, 4, 3, 6}),         // in the middle
      permuted({6, 2, 5}, {2, 0, 1}).sliced(0, 1, 4, 2),         //
      Layout(Shape{2, 3, 2, 2, 3, 2, 2, 3}).sliced(7, 0, 3, 2),  // every axis there may be
  };
}

// Runs `method` on both backends with outputs of their own and compares.
template <class Method>
void compare(DType dtype, const Shape& shape, double relative, double absolute,
             const std::string& what, const Method& method) {
  const Owned mine = blank(dtype, shape), theirs = blank(dtype, shape);
  method(cpu(), mine);
  method(reference(), theirs);
  check_close(mine, theirs, relative, absolute, what);
}

}  // namespace gradus::test
