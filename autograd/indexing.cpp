// Selecting elements along an axis by index, and sorting.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/indices.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elements.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

namespace gradus {

namespace {

constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();

Tensor last(const Tensor& x, int axis) { return transpose(x, axis, -1); }  // its own inverse

// Where in x, laid out flat, its elements `indices` along an axis are. x is [outer, n, inner] with the
// axis in the middle, and element [o, index, i] lies at (o n + index) inner + i.
Tensor places(const char* op, const Tensor& x, int axis, const Tensor& indices) {
  const int at = x.shape().axis_at(axis);
  if (indices.rank() != x.rank() || indices.shape().with(at, 0) != x.shape().with(at, 0)) {
    throw ShapeError(
        fmt::format("[{}] indices {} must have the shape of x {} except along the axis", op,
                    to_string(indices.shape()), to_string(x.shape())));
  }
  if (x.numel() > kMost) {
    throw ShapeError(
        fmt::format("[{}] x {} has more elements than i32 can count", op, to_string(x.shape())));
  }
  check_indices(op, indices, x.size(at));
  if (indices.numel() == 0) return indices;
  const auto* sizes = x.shape().begin();
  const std::int64_t inner =
      std::accumulate(sizes + at + 1, x.shape().end(), std::int64_t{1}, std::multiplies<>());
  const std::int64_t slab = x.size(at) * inner;
  const auto numbers = [&](std::int64_t end, std::int64_t step) {
    return arange(0, static_cast<double>(end), static_cast<double>(step), indices.options());
  };
  const Tensor table = reshape(indices, {x.numel() / slab, -1, inner});
  const Tensor starts = reshape(numbers(x.numel(), slab), {-1, 1, 1});
  if (inner == 1) return reshape(table + starts, indices.shape());
  const Tensor within = numbers(inner, 1);
  const auto step = static_cast<double>(inner);
  return reshape(fused_value([&] { return table * step + (starts + within); }), indices.shape());
}

}  // namespace

void check_indices(const char* op, const Tensor& indices, std::int64_t limit) {
  if (indices.dtype() != DType::i32) {
    throw DTypeError(
        fmt::format("[{}] indices are i32, got {}; use cast()", op, describe(indices)));
  }
  const Tensor dense = compute::contiguous(indices);
  const std::byte* host = dense.view().buffer->host();
  std::vector<std::int32_t> copy;  // where the backend's memory is not the host's
  if (host == nullptr) copy = dense.to_vector<std::int32_t>();
  const std::int32_t* data =
      host == nullptr ? copy.data()
                      : reinterpret_cast<const std::int32_t*>(host) + dense.layout().offset;
  const std::span<const std::int32_t> values(data, static_cast<std::size_t>(dense.numel()));
  const std::size_t i = first_outside(values, 0, limit);
  if (i < values.size()) {
    throw IndexError(
        fmt::format("[{}] index {} (number {}) is outside [0, {})", op, values[i], i, limit));
  }
}

Tensor index_select(const Tensor& x, int axis, const Tensor& indices) {
  if (indices.rank() != 1) {
    throw ShapeError(
        fmt::format("[index_select] indices must be [n], got {}", to_string(indices.shape())));
  }
  check_indices("index_select", indices, x.size(axis));
  return transpose(gather(transpose(x, axis, 0), indices), axis, 0);
}

Tensor take_along_dim(const Tensor& x, const Tensor& indices, int axis) {
  return gather(flatten(x), places("take_along_dim", x, axis, indices));
}

Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& src) {
  if (src.shape() != indices.shape()) {
    throw ShapeError(fmt::format("[scatter] src {} must have the shape of indices {}",
                                 to_string(src.shape()), to_string(indices.shape())));
  }
  return reshape(index_put(flatten(x), places("scatter", x, axis, indices), src), x.shape());
}

Tensor flip(const Tensor& x, const Axes& axes) {
  Layout turned = x.layout();  // from the last element on, backwards
  for (int axis : checked_axes("flip", x, axes)) {
    std::int64_t& stride = turned.strides[static_cast<std::size_t>(axis)];
    turned.offset += std::max<std::int64_t>(x.size(axis) - 1, 0) * stride;
    stride = -stride;
  }
  return record("flip", compute::copy(x.with_layout(turned)),
                edge(x, [axes](const Tensor& g) { return flip(g, axes); }));
}

namespace {

// Of each row of x the numbers of its first k elements in order; of equal ones the first comes
// first.
template <class T>
std::vector<std::int32_t> order_of(const Tensor& x, bool descending, std::int64_t k) {
  const std::vector<T> values = x.to_vector<T>();
  const std::int64_t n = x.size(-1);
  const std::int64_t rows = n == 0 ? 0 : x.numel() / n;
  std::vector<std::int32_t> order(static_cast<std::size_t>(rows * k));
  struct Element {
    T value;
    std::int32_t number;
  };
  const auto less = [](T a, T b) { return a < b || (b != b && a == a); };  // NaN after all numbers
  const auto before = [&](const Element& a, const Element& b) {
    if (less(a.value, b.value)) return !descending;
    if (less(b.value, a.value)) return descending;
    return a.number < b.number;
  };
  parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
    std::vector<Element> elements(static_cast<std::size_t>(k));
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::int32_t i = 0; i < k; ++i) elements[i] = {values[row * n + i], i};
      if (k == n) {
        std::ranges::sort(elements, before);
      } else if (k > 0) {  // a heap of the best k so far, the worst of them at its front
        std::ranges::make_heap(elements, before);
        for (auto i = static_cast<std::int32_t>(k); i < n; ++i) {
          const Element next{values[row * n + i], i};
          if (!before(next, elements.front())) continue;
          std::ranges::pop_heap(elements, before);
          elements.back() = next;
          std::ranges::push_heap(elements, before);
        }
        std::ranges::sort_heap(elements, before);
      }
      for (std::int64_t i = 0; i < k; ++i) order[row * k + i] = elements[i].number;
    }
  });
  return order;
}

Sorted first_of(const char* op, const Tensor& x, int axis, bool descending, std::int64_t k) {
  const Tensor rows = last(x, axis);
  if (rows.size(-1) > kMost) {
    throw ShapeError(fmt::format("[{}] axis {} of {} is longer than i32 can count", op, axis,
                                 to_string(x.shape())));
  }
  const std::vector<std::int32_t> order = x.dtype() == DType::f32
                                              ? order_of<float>(rows, descending, k)
                                              : order_of<double>(rows, descending, k);
  const Tensor indices = last(from_vector(order, rows.shape().with(-1, k), &x.backend()), axis);
  return {take_along_dim(x, indices, axis), indices};
}

}  // namespace

Sorted sort(const Tensor& x, int axis, bool descending) {
  return first_of("sort", x, axis, descending, x.size(axis));
}

Sorted topk(const Tensor& x, std::int64_t k, int axis, bool largest) {
  if (k < 0 || k > x.size(axis)) {
    throw ShapeError(
        fmt::format("[topk] axis {} of {} has no {} elements", axis, to_string(x.shape()), k));
  }
  return first_of("topk", x, axis, largest, k);
}

}  // namespace gradus
