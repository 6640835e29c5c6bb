// The drivers of the elementwise operations: they cut the work into tasks, and bring the operands
// of each to dense pieces for the loops of loops.h.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/loops.h"
#include "backends/cpu/merge.h"
#include "backends/cpu/pieces.h"
#include "backends/host.h"

namespace gradus::cpu {

View readable(Cache& cache, const View& x, std::shared_ptr<Buffer>& keeper) {
  if (x.shape().numel() < kGrain) return x;
  const auto walk = merge<1>({x.layout});
  const bool by_lines = walk.inner_stride(0) > 1 && walk.rank > 1;
  const auto* end = walk.strides[0].begin() + walk.rank;
  const bool repeats = std::find(walk.strides[0].begin(), end, 0) != end;
  return by_lines && !repeats ? contiguous(cache, x, keeper) : x;
}

namespace {

// Where all operands are dense a piece is a whole task, else at most kPiece elements.
template <std::size_t N, class Task>
void for_pieces_of(const Merged<N>& walk, const View& out, const Task& make_body) {
  const std::int64_t count = out.shape().numel();
  bool dense = true;
  for (std::size_t v = 0; v < N; ++v) dense = dense && walk.dense(v);
  for_pieces(dense ? count : kPiece, dense ? count : walk.inner(), out, make_body);
}

void walk_one(Cache& cache, UnaryLoop loop, const View& x, const View& out) {
  if (out.shape().numel() == 0) return;
  std::shared_ptr<Buffer> keeper;
  const View source = readable(cache, x, keeper);
  const auto walk = merge<1>({source.layout});
  dispatch(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_pieces_of(walk, out, [&] {
      return [&, from = Dense<T>(data_of<T>(source), walk, 0)](std::int64_t i, std::int64_t n,
                                                               void* to, bool past) mutable {
        loop(from.piece(i, n), to, n, past);
      };
    });
  });
}

void walk_two(Cache& cache, BinaryLoop loop, const View& a, const View& b, const View& out) {
  if (out.shape().numel() == 0) return;
  std::shared_ptr<Buffer> a_keeper, b_keeper;
  const View x = readable(cache, a, a_keeper);
  const View y = readable(cache, b, b_keeper);
  const auto walk = merge<2>({x.layout, y.layout});
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_pieces_of(walk, out, [&] {
      return [&, left = Dense<T>(data_of<T>(x), walk, 0), right = Dense<T>(data_of<T>(y), walk, 1)](
                 std::int64_t i, std::int64_t n, void* to, bool past) mutable {
        loop(left.piece(i, n), right.piece(i, n), to, n, past);
      };
    });
  });
}

// What every element of b is, if that is -1, 1, 2, 3 or 4, as in pow(x, 2), for which products, or a
// quotient, take far less time than a power; else 0.
int small_exponent(const View& b) {
  for (int axis = 0; axis < b.shape().rank(); ++axis) {
    if (b.shape()[axis] > 1 && b.layout.stride(axis) != 0) return 0;
  }
  return dispatch(b.dtype, [&](auto zero) {
    const auto exponent = *data_of<decltype(zero)>(b);
    for (int small : {-1, 1, 2, 3, 4}) {
      if (exponent == small) return small;
    }
    return 0;
  });
}

}  // namespace

void unary(Cache& cache, UnaryOp op, const View& x, const View& out) {
  if (op == UnaryOp::copy) return copy(cache, x, out);
  walk_one(cache, unary_loop(op, x.dtype), x, out);
}

void cast(Cache& cache, const View& x, const View& out) {
  walk_one(cache, cast_loop(x.dtype, out.dtype), x, out);
}

void binary(Cache& cache, BinaryOp op, const View& a, const View& b, const View& out) {
  if (out.shape().numel() == 0) return;
  const int exponent = op == BinaryOp::pow ? small_exponent(b) : 0;
  if (exponent == 0) return walk_two(cache, binary_loop(op, a.dtype), a, b, out);
  if (exponent < 0) {
    fill(out, 1);
    return walk_two(cache, binary_loop(BinaryOp::div, a.dtype), out, a, out);
  }
  if (exponent == 1) return copy(cache, a, out);
  std::vector<MapStep> steps{{BinaryOp::mul, {0, 0}, a.dtype}};
  for (int step = 1; step < exponent - 1; ++step) {
    steps.push_back({BinaryOp::mul, {-step, 0}, a.dtype});
  }
  steps.back().out = out;
  map(cache, steps, {&a, 1});
}

bool unary_gradient(Cache& cache, UnaryOp op, const View& known, const View& g, const View& dx) {
  const BinaryLoop loop = unary_gradient_loop(op, g.dtype);
  if (loop == nullptr) return false;
  walk_two(cache, loop, known, g, dx);
  return true;
}

void select(Cache& cache, const View& cond, const View& a, const View& b, const View& out) {
  if (out.shape().numel() == 0) return;
  const SelectLoop loop = select_loop(out.dtype);
  std::shared_ptr<Buffer> c_keeper, a_keeper, b_keeper;
  const View c = readable(cache, cond, c_keeper);
  const View x = readable(cache, a, a_keeper);
  const View y = readable(cache, b, b_keeper);
  const auto walk = merge<3>({c.layout, x.layout, y.layout});
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_pieces_of(walk, out, [&] {
      return [&, test = Dense<bool>(data_of<bool>(c), walk, 0),
              yes = Dense<T>(data_of<T>(x), walk, 1), no = Dense<T>(data_of<T>(y), walk, 2)](
                 std::int64_t i, std::int64_t n, void* to, bool past) mutable {
        loop(test.piece(i, n), yes.piece(i, n), no.piece(i, n), to, n, past);
      };
    });
  });
}

}  // namespace gradus::cpu
