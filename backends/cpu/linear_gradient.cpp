// The gradient of a linear layer: with ds = g * f'(y),
//
//   dx = ds weight,   dweight = ds^T x,   dbias = the sums of ds's columns.
//
// Where rows are many, ds is never written to memory: a band of rows makes a little of it at a time,
// uses it for dx and adds to a dweight of its own while it lies in a cache.
#include <algorithm>

#include "backends/cpu/gemm.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/linear.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

constexpr std::int64_t kBands = 16;
constexpr std::int64_t kTile = 128;  // rows of ds at a time, at most

View block(const std::shared_ptr<Buffer>& buffer, DType dtype, const Shape& shape) {
  return {buffer.get(), dtype, Layout(shape)};
}

// x [rows, in], weight [out, in], y and g [rows, out].
struct LinearGradient {
  Cache& cache;
  LinearLoops loops;
  const View &x, &weight, &y, &g, &dx, &dweight, &dbias;
  std::int64_t rows = g.shape()[0], out = g.shape()[1], in = x.shape()[1];

  std::shared_ptr<Buffer> allocate(std::int64_t count) const {
    return cache.allocate(static_cast<std::size_t>(count) * size_of(x.dtype));
  }

  void plain() const {
    if (dx.buffer != nullptr) matmul(cache, g, weight, dx);
    if (dweight.buffer != nullptr) matmul(cache, transposed(g), x, dweight);
    if (dbias.buffer != nullptr) sum_parts(cache, g, dbias);
  }

  // ds as a whole, then the products.
  void whole() const {
    const std::int64_t chunk = std::max<std::int64_t>(16, kGrain / out);
    const std::int64_t chunks = ceil_div(rows, chunk);
    const auto ds_buffer = allocate(rows * out), sums_buffer = allocate(chunks * out);
    const View ds = block(ds_buffer, x.dtype, g.shape());
    const View sums = block(sums_buffer, x.dtype, Shape{chunks, out});
    fill(sums, 0);
    parallel_for(rows, chunk, [&](std::int64_t begin, std::int64_t end) {
      loops.slope(element(g, begin * out), element(y, begin * out), end - begin, out,
                  element(ds, begin * out), out, element(sums, begin / chunk * out));
    });
    LinearGradient{cache, {}, x, weight, y, ds, dx, dweight, {}}.plain();
    if (dbias.buffer != nullptr) sum_parts(cache, sums, dbias);
  }

  // The copies of dweight are worth it where they take less memory than ds would.
  bool has_many_rows() const { return rows > 2 * kBands * std::max(in, kTile); }

  template <class T>
  void in_bands() const {
    const std::int64_t band = ceil_div(rows, kBands), bands = ceil_div(rows, band);
    // About equal, of blocks that are full (gemm.cpp, amx.cpp) but for the last.
    const std::int64_t tile = ceil_div(ceil_div(band, ceil_div(band, kTile)), 16) * 16;
    const auto weights_buffer = allocate(bands * out * in), sums_buffer = allocate(bands * out);
    const View weights = block(weights_buffer, x.dtype, Shape{bands, out, in});
    const View sums = block(sums_buffer, x.dtype, Shape{bands, out});
    fill(sums, 0);
    const Matrix<T> w{data_of<T>(weight), weight.layout.stride(0), weight.layout.stride(1)};
    const Matrix<T> from{data_of<T>(x), x.layout.stride(0), x.layout.stride(1)};
    parallel_for(bands, 1, [&](std::int64_t b, std::int64_t end) {
      const std::int64_t distance = out + 16;  // not a power of two (read_in_place, gemm.cpp)
      Scratch<T> ds(cache, tile * distance);
      for (; b < end; ++b) {
        const std::int64_t first = b * band, last = std::min(rows, first + band);
        for (std::int64_t row = first; row < last; row += tile) {
          const std::int64_t count = std::min(tile, last - row);
          loops.slope(element(g, row * out), element(y, row * out), count, out, ds.data(), distance,
                      element(sums, b * out));
          const Matrix<T> slopes{ds.data(), distance, 1};
          if (dx.buffer != nullptr) {
            gemm(count, in, out, T{1}, slopes, w, false, data_of<T>(dx) + row * in, in);
          }
          if (dweight.buffer != nullptr) {
            gemm(out, in, count, T{1}, slopes.transposed(), from.from(row, 0), row > first,
                 data_of<T>(weights) + b * out * in, in);
          }
        }
      }
    });
    if (dweight.buffer != nullptr) sum_parts(cache, weights, dweight);
    if (dbias.buffer != nullptr) sum_parts(cache, sums, dbias);
  }
};

}  // namespace

bool linear_gradient(Cache& cache, const View& x, const View& weight, UnaryOp f, const View& y,
                     const View& g, const View& dx, const View& dweight, const View& dbias) {
  const LinearLoops loops = linear_loops(f, x.dtype);
  if (loops.slope == nullptr) return false;
  const LinearGradient gradient{cache, loops, x, weight, y, g, dx, dweight, dbias};
  if (f == UnaryOp::copy || g.shape().numel() == 0) {
    gradient.plain();
  } else if (gradient.has_many_rows()) {
    dispatch_floating(x.dtype, [&](auto zero) { gradient.in_bands<decltype(zero)>(); });
  } else {
    gradient.whole();
  }
  return true;
}

}  // namespace gradus::cpu
