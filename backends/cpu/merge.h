// Kernels walk one or more views of the same shape at once. Axes that all of them can cross with
// one stride are merged first, so that most walks become one or two plain loops:
//
//   auto walk = merge<2>({x.layout, out.layout});   // [8, 3, 5] and contiguous: sizes [120]
//   walk.strides[0][1]                              // stride of the first view along axis 1
//
// Dense<T> hands out pieces of a merged view as dense arrays: in place where they are dense, else
// copied to a small buffer. With it, one kernel over dense arrays serves every layout.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "tensor/layout.h"

namespace gradus::cpu {

template <std::size_t N>
struct Merged {
  int rank = 0;  // at least 1; sizes are at least 1 unless the whole is empty
  std::array<std::int64_t, kMaxRank> sizes{};
  std::array<std::array<std::int64_t, kMaxRank>, N> strides{};

  std::int64_t inner() const { return sizes[static_cast<std::size_t>(rank - 1)]; }
  std::int64_t inner_stride(std::size_t view) const {
    return strides[view][static_cast<std::size_t>(rank - 1)];
  }
  // Whether consecutive elements of the view are consecutive in memory.
  bool dense(std::size_t view) const { return rank == 1 && inner_stride(view) == 1; }
};

// All layouts have one shape.
template <std::size_t N>
Merged<N> merge(const std::array<Layout, N>& layouts) {
  Merged<N> result;
  const Shape& shape = layouts[0].shape;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] == 1) continue;
    const auto last = static_cast<std::size_t>(result.rank - 1);
    bool joins = result.rank > 0;
    for (std::size_t v = 0; joins && v < N; ++v) {
      joins = result.strides[v][last] == layouts[v].stride(axis) * shape[axis];
    }
    const std::size_t to = joins ? last : last + 1;
    if (!joins) ++result.rank;
    result.sizes[to] = joins ? result.sizes[to] * shape[axis] : shape[axis];
    for (std::size_t v = 0; v < N; ++v) result.strides[v][to] = layouts[v].stride(axis);
  }
  if (result.rank == 0) {  // one element
    result.rank = 1;
    result.sizes[0] = 1;
    for (std::size_t v = 0; v < N; ++v) result.strides[v][0] = 1;
  }
  return result;
}

// How many elements a kernel is given at a time where something is copied for it.
inline constexpr std::int64_t kPiece = 1024;

// to[0 .. n - 1] = the value, of `size` bytes (fill.cpp).
void repeat(std::size_t size, const void* value, void* to, std::int64_t n);

template <class T>
class Dense {
 public:
  template <std::size_t N>
  Dense(const T* data, const Merged<N>& walk, std::size_t view)
      : data_(data), rank_(walk.rank), sizes_(walk.sizes), strides_(walk.strides[view]) {}

  // Elements [begin, begin + count) in row-major order. A count above kPiece is for dense views
  // only. Valid until the next call.
  const T* piece(std::int64_t begin, std::int64_t count) {
    if (rank_ == 1 && strides_[0] == 1) return data_ + begin;
    std::array<std::int64_t, kMaxRank> index{};
    std::int64_t rest = begin;
    const T* from = data_;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      index[a] = axis == 0 ? rest : rest % sizes_[a];
      rest /= sizes_[a];
      from += index[a] * strides_[a];
    }
    const auto last = static_cast<std::size_t>(rank_ - 1);
    const std::int64_t row = sizes_[last];
    const std::int64_t step = strides_[last];
    const bool one_row = index[last] + count <= row;
    if (one_row && step == 1) return from;
    if (one_row && step == 0 && filled_ >= count && filler_ == from) return buffer_.data();
    filler_ = one_row && step == 0 ? from : nullptr;
    filled_ = count;
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t run = std::min(row - index[last], count - done);
      T* to = buffer_.data() + done;
      if (step == 0) {
        repeat(sizeof(T), from, to, run);
      } else if (step == 1) {
        std::copy_n(from, run, to);
      } else {
        for (std::int64_t i = 0; i < run; ++i) to[i] = from[i * step];
      }
      done += run;
      from = next_row(from - index[last] * step, index);
    }
    return buffer_.data();
  }

 private:
  // From the start of one row to the start of the next, as an odometer turns.
  const T* next_row(const T* row, std::array<std::int64_t, kMaxRank>& index) const {
    index[static_cast<std::size_t>(rank_ - 1)] = 0;
    for (int axis = rank_ - 2; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      row += strides_[a];
      if (++index[a] < sizes_[a]) break;
      row -= sizes_[a] * strides_[a];
      index[a] = 0;
    }
    return row;
  }

  const T* data_;
  int rank_;
  std::array<std::int64_t, kMaxRank> sizes_;
  std::array<std::int64_t, kMaxRank> strides_;
  alignas(64) std::array<T, static_cast<std::size_t>(kPiece)> buffer_;
  const T* filler_ = nullptr;  // where the value came from that fills buffer_[0, filled_)
  std::int64_t filled_ = 0;
};

}  // namespace gradus::cpu
