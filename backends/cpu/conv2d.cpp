// Convolution along time, and its gradient, without laying windows out: for each place j of the
// window the products of all windows' j-th elements are one product of matrices,
//
//   y[b] [out, windows] += weight_j [out, in] x[b] [in, time] from column j - padding on,
//
// of which windows that would see padding at j are left out.
#include <algorithm>
#include <array>

#include "backends/cpu/gemm.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

struct Sizes {
  std::int64_t batch, in, time, out, size, windows, padding;

  Sizes(const View& x, const View& weight, const View& y, std::int64_t pad)
      : batch(x.shape()[0]),
        in(x.shape()[1]),
        time(x.shape()[2]),
        out(weight.shape()[0]),
        size(weight.shape()[2]),
        windows(y.shape()[2]),
        padding(pad) {}

  // Windows [begin, end) whose place j lies on x; the first of them sees column `column` there.
  struct Part {
    std::int64_t begin, end, column;
  };
  Part part(std::int64_t j) const {
    const std::int64_t begin = std::clamp<std::int64_t>(padding - j, 0, windows);
    const std::int64_t end = std::clamp<std::int64_t>(time + padding - j, begin, windows);
    return {begin, end, begin + j - padding};
  }
};

template <class T>
Matrix<T> matrix_of(const View& x, std::int64_t item) {
  return {data_of<T>(x) + item * x.layout.stride(0), x.layout.stride(1), x.layout.stride(2)};
}

// weight [out, in, size] as [size, in, out] or [size, out, in]: for each place of the window a dense
// matrix. A product packs its left side fastest where the rows' axis is the dense one.
View by_place(Cache& cache, const View& weight, int rows, int columns,
              std::shared_ptr<Buffer>& keeper) {
  View turned = weight;
  turned.layout = weight.layout.permuted(std::array{2, rows, columns});
  return contiguous(cache, turned, keeper);
}

// Calls body(item, first, rows) over strips of the rows of every item, in parallel. What a strip is
// multiplied with is packed anew for each: strips are high, unless that leaves too few of them.
template <class Body>
void for_strips(std::int64_t items, std::int64_t rows, const Body& body) {
  const std::int64_t strip = std::clamp<std::int64_t>(items * rows / 8, 64, 512);
  const std::int64_t strips = (rows + strip - 1) / strip;
  parallel_for(items * strips, 1, [&](std::int64_t task, std::int64_t end) {
    for (; task < end; ++task) {
      const std::int64_t first = task % strips * strip;
      body(task / strips, first, std::min(strip, rows - first));
    }
  });
}

template <class T>
void forward(const Sizes& s, const View& x, const View& places, const View& bias, const View& y) {
  for_strips(s.batch, s.out, [&](std::int64_t b, std::int64_t first, std::int64_t rows) {
    T* to = data_of<T>(y) + (b * s.out + first) * s.windows;
    for (std::int64_t r = 0; r < rows; ++r) {
      const T start =
          bias.buffer == nullptr ? T{0} : data_of<T>(bias)[(first + r) * bias.layout.stride(0)];
      std::fill_n(to + r * s.windows, s.windows, start);
    }
    for (std::int64_t j = 0; j < s.size; ++j) {
      const Sizes::Part part = s.part(j);
      gemm(rows, part.end - part.begin, s.in, T{1},
           matrix_of<T>(places, j).transposed().from(first, 0),
           matrix_of<T>(x, b).from(0, part.column), true, to + part.begin, s.windows);
    }
  });
}

// dx[b] [in, time] from column j - padding on += weight_j^T g[b]
template <class T>
void gradient_of_x(const Sizes& s, const View& places, const View& g, const View& dx) {
  for_strips(s.batch, s.in, [&](std::int64_t b, std::int64_t first, std::int64_t rows) {
    T* to = data_of<T>(dx) + (b * s.in + first) * s.time;
    std::fill_n(to, rows * s.time, T{0});
    for (std::int64_t j = 0; j < s.size; ++j) {
      const Sizes::Part part = s.part(j);
      gemm(rows, part.end - part.begin, s.out, T{1},
           matrix_of<T>(places, j).transposed().from(first, 0),
           matrix_of<T>(g, b).from(0, part.begin), true, to + part.column, s.time);
    }
  });
}

// dweight_j [out, in] = the sum over b of g[b] x[b]^T
template <class T>
void gradient_of_weight(const Sizes& s, const View& x, const View& g, const View& places) {
  for_strips(s.size, s.out, [&](std::int64_t j, std::int64_t first, std::int64_t rows) {
    T* to = data_of<T>(places) + (j * s.out + first) * s.in;
    std::fill_n(to, rows * s.in, T{0});
    const Sizes::Part part = s.part(j);
    for (std::int64_t b = 0; b < s.batch; ++b) {
      gemm(rows, s.in, part.end - part.begin, T{1}, matrix_of<T>(g, b).from(first, part.begin),
           matrix_of<T>(x, b).from(0, part.column).transposed(), true, to, s.in);
    }
  });
}

}  // namespace

bool conv1d(Cache& cache, const View& x, const View& weight, const View& bias, std::int64_t stride,
            std::int64_t padding, const View& y) {
  if (stride != 1) return false;
  std::shared_ptr<Buffer> keeper;
  const View places = by_place(cache, weight, 1, 0, keeper);
  dispatch_floating(x.dtype, [&](auto zero) {
    forward<decltype(zero)>(Sizes(x, weight, y, padding), x, places, bias, y);
  });
  return true;
}

bool conv1d_gradient(Cache& cache, const View& x, const View& weight, std::int64_t stride,
                     std::int64_t padding, const View& g, const View& dx, const View& dweight,
                     const View& dbias) {
  if (stride != 1) return false;
  const Sizes sizes(x, weight, g, padding);
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::shared_ptr<Buffer> keeper;
    if (dx.buffer != nullptr) {
      gradient_of_x<T>(sizes, by_place(cache, weight, 0, 1, keeper), g, dx);
    }
    if (dweight.buffer != nullptr) {
      keeper = cache.allocate(static_cast<std::size_t>(weight.shape().numel()) * sizeof(T));
      const View places{keeper.get(), x.dtype, Layout(Shape{sizes.size, sizes.out, sizes.in})};
      gradient_of_weight<T>(sizes, x, g, places);
      View turned = places;
      turned.layout = places.layout.permuted(std::array{1, 2, 0});
      copy(cache, turned, dweight);
    }
    if (dbias.buffer != nullptr) {
      View row = dbias;
      row.layout.shape = Shape{1, sizes.out, 1};
      row.layout.strides = {sizes.out, 1, 1};
      reduce(cache, ReduceOp::sum, g, row);
    }
  });
  return true;
}

}  // namespace gradus::cpu
