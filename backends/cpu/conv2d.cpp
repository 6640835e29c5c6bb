// Convolution of images (of lines, where they are one pixel high), and its gradient, as products of
// matrices: what the windows of a tile see is laid out as columns [in * rows * columns, windows],
// of so many windows that they stay in the second-level cache (Chellapilla et al., "High performance
// convolutional neural networks for document processing", 2006). In the forward pass and backward
//
//   y [out, windows] = weight [out, seen] columns [seen, windows]
//   dweight = g columns^T,   dcolumns = weight^T g, each number added to dx where it was seen
#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/gemm.h"
#include "backends/cpu/kernels.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

constexpr std::int64_t kTileElements = 131072;  // of columns
constexpr std::int64_t kLeastWindows = 64;      // in a tile, however many numbers they see
constexpr std::int64_t kTasks = 8;              // at the least, where the sizes give as many

// ceil(a / b) for b > 0
std::int64_t divide_up(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0); }

// height and width are those of images with their padding.
struct Sizes {
  std::int64_t batch, in, height, width, out, rows, columns, down, across;
  Size2d stride;

  Sizes(const View& x, const View& weight, const View& y, const Size2d& step, const Size2d& padding)
      : batch(x.shape()[0]),
        in(x.shape()[1]),
        height(x.shape()[2] + 2 * padding.height),
        width(x.shape()[3] + 2 * padding.width),
        out(weight.shape()[0]),
        rows(weight.shape()[2]),
        columns(weight.shape()[3]),
        down(y.shape()[2]),
        across(y.shape()[3]),
        stride(step) {}

  std::int64_t image() const { return height * width; }
  std::int64_t windows() const { return down * across; }
  std::int64_t seen(std::int64_t channels) const { return channels * rows * columns; }
  // An image's windows are cut into this many tiles of this many (the last has the rest).
  std::int64_t tiles() const { return divide_up(windows(), tile()); }
  std::int64_t tile() const {
    const std::int64_t most =
        std::max(kLeastWindows, kTileElements / std::max<std::int64_t>(seen(in), 1));
    const std::int64_t even = divide_up(windows(), divide_up(windows(), most));
    return divide_up(even, 16) * 16;
  }
};

// Windows [first, first + count) of an image and the channels that are looked at.
struct Tile {
  std::int64_t first, count, first_channel, channels;
};

Tile tile_of(const Sizes& s, std::int64_t number, std::int64_t first_channel,
             std::int64_t channels) {
  const std::int64_t first = number * s.tile();
  return {first, std::min(s.tile(), s.windows() - first), first_channel, channels};
}

// Images with zeros around them, [batch, in, height, width], or room for their gradient.
class Padded {
 public:
  Padded(Cache& cache, const Sizes& s, DType dtype, const Size2d& padding)
      : memory_(
            cache.allocate(static_cast<std::size_t>(s.batch * s.in * s.image()) * size_of(dtype))),
        all_{memory_.get(), dtype, Layout(Shape{s.batch, s.in, s.height, s.width})},
        inside_(all_) {
    inside_.layout = all_.layout.sliced(2, padding.height, s.height - padding.height, 1)
                         .sliced(3, padding.width, s.width - padding.width, 1);
  }
  const View& all() const { return all_; }
  const View& inside() const { return inside_; }  // without the zeros
  void put(Cache& cache, const View& x) const {
    if (all_.shape() != x.shape()) fill(all_, 0);
    copy(cache, x, inside_);
  }

 private:
  std::shared_ptr<Buffer> memory_;
  View all_, inside_;
};

// The same place of the window of the tile's windows, beside one another on an image; calls
// body(from, count) with the first's element. Walks the tile's columns from end to end.
template <class Body>
void walk(const Sizes& s, const Tile& tile, const Body& body) {
  const std::int64_t first_line = tile.first / s.across, first_across = tile.first % s.across;
  const auto at_place = [&](std::int64_t from) {
    from += first_line * s.stride.height * s.width + first_across * s.stride.width;
    const std::int64_t first = std::min(s.across - first_across, tile.count);
    body(from, first);
    from -= first_across * s.stride.width;
    for (std::int64_t done = first; done < tile.count; done += s.across) {
      body(from += s.stride.height * s.width, std::min(s.across, tile.count - done));
    }
  };
  for (std::int64_t c = 0; c < tile.channels; ++c) {
    for (std::int64_t i = 0; i < s.rows; ++i) {
      for (std::int64_t j = 0; j < s.columns; ++j) {
        at_place((tile.first_channel + c) * s.image() + i * s.width + j);
      }
    }
  }
}

template <class T>
void lay_columns(const Sizes& s, const Tile& tile, const T* image, T* out) {
  constexpr std::int64_t kPiece = 16;
  walk(s, tile, [&](std::int64_t from, std::int64_t count) {
    const T* x = image + from;
    std::int64_t w = 0;
    if (s.stride.width == 1) {  // short lines: a call of memcpy would cost as much as it does
      for (; w + kPiece <= count; w += kPiece) std::memcpy(out + w, x + w, kPiece * sizeof(T));
    }
    for (; w < count; ++w) out[w] = x[w * s.stride.width];
    out += count;
  });
}

template <class T>
void add_columns(const Sizes& s, const Tile& tile, const T* columns, T* image) {
  walk(s, tile, [&](std::int64_t from, std::int64_t count) {
    T* to = image + from;
    if (s.stride.width == 1) {
      for (std::int64_t w = 0; w < count; ++w) to[w] += columns[w];
    } else {
      for (std::int64_t w = 0; w < count; ++w) to[w * s.stride.width] += columns[w];
    }
    columns += count;
  });
}

// Memory for the columns of a tile.
template <class T>
class Columns {
 public:
  Columns(Cache& cache, const Sizes& s, std::int64_t channels)
      : memory_(cache.allocate(static_cast<std::size_t>(s.seen(channels) * s.tile()) * sizeof(T))) {
  }
  T* data() const { return reinterpret_cast<T*>(memory_->host()); }

 private:
  std::shared_ptr<Buffer> memory_;
};

// `turned` is weight^T, [seen, out]: a product packs its left side fastest where columns are dense.
template <class T>
void forward(Cache& cache, const Sizes& s, const View& x, const View& turned, const View& bias,
             const View& y) {
  parallel_for(s.batch * s.tiles(), 1, [&](std::int64_t task, std::int64_t end) {
    const Columns<T> columns(cache, s, s.in);
    for (; task < end; ++task) {
      const std::int64_t item = task / s.tiles();
      const Tile tile = tile_of(s, task % s.tiles(), 0, s.in);
      lay_columns(s, tile, data_of<T>(x) + item * s.in * s.image(), columns.data());
      T* to = data_of<T>(y) + item * s.out * s.windows() + tile.first;
      for (std::int64_t o = 0; o < s.out; ++o) {
        const T start = bias.buffer == nullptr ? T{0} : data_of<T>(bias)[o * bias.layout.stride(0)];
        std::fill_n(to + o * s.windows(), tile.count, start);
      }
      gemm(s.out, tile.count, s.seen(s.in), T{1}, Matrix<T>{data_of<T>(turned), 1, s.out},
           Matrix<T>{columns.data(), tile.count, 1}, true, to, s.windows());
    }
  });
}

// Channels of dx are cut into strips, for there may be a single image.
template <class T>
void gradient_of_x(Cache& cache, const Sizes& s, const View& weight, const View& g,
                   const View& dx) {
  const std::int64_t strip =
      std::clamp<std::int64_t>(s.in * s.batch / kTasks, std::min<std::int64_t>(s.in, 16), s.in);
  const std::int64_t strips = divide_up(s.in, strip);
  parallel_for(s.batch * strips, 1, [&](std::int64_t task, std::int64_t end) {
    const Columns<T> columns(cache, s, strip);
    for (; task < end; ++task) {
      const std::int64_t item = task / strips, first = task % strips * strip;
      const std::int64_t channels = std::min(strip, s.in - first);
      T* image = data_of<T>(dx) + item * s.in * s.image();
      std::fill_n(image + first * s.image(), channels * s.image(), T{0});
      for (std::int64_t number = 0; number < s.tiles(); ++number) {
        const Tile tile = tile_of(s, number, first, channels);
        const T* from = data_of<T>(g) + item * s.out * s.windows() + tile.first;
        gemm(s.seen(channels), tile.count, s.out, T{1},
             Matrix<T>{data_of<T>(weight) + s.seen(first), 1, s.seen(s.in)},
             Matrix<T>{from, s.windows(), 1}, false, columns.data(), tile.count);
        add_columns(s, tile, columns.data(), image);
      }
    }
  });
}

// Part i of `parts` [.., out, seen] is the sum over the i-th share of all images' tiles.
template <class T>
void gradient_of_weight(Cache& cache, const Sizes& s, const View& x, const View& g,
                        const View& parts) {
  const std::int64_t count = parts.shape()[0], tiles = s.batch * s.tiles();
  const std::int64_t numbers = s.out * s.seen(s.in);
  parallel_for(count, 1, [&](std::int64_t part, std::int64_t end) {
    const Columns<T> columns(cache, s, s.in);
    for (; part < end; ++part) {
      T* sum = data_of<T>(parts) + part * numbers;
      std::fill_n(sum, numbers, T{0});
      for (std::int64_t t = part * tiles / count; t < (part + 1) * tiles / count; ++t) {
        const std::int64_t item = t / s.tiles();
        const Tile tile = tile_of(s, t % s.tiles(), 0, s.in);
        lay_columns(s, tile, data_of<T>(x) + item * s.in * s.image(), columns.data());
        const T* from = data_of<T>(g) + item * s.out * s.windows() + tile.first;
        gemm(s.out, s.seen(s.in), tile.count, T{1}, Matrix<T>{from, s.windows(), 1},
             Matrix<T>{columns.data(), 1, tile.count}, true, sum, s.seen(s.in));
      }
    }
  });
}

}  // namespace

bool conv2d(Cache& cache, const View& x, const View& weight, const View& bias, const Size2d& stride,
            const Size2d& padding, const View& y) {
  const Sizes sizes(x, weight, y, stride, padding);
  std::shared_ptr<Buffer> weight_keeper, turned_keeper;
  View turned = contiguous(cache, weight, weight_keeper);
  turned.layout =
      turned.layout.reshaped({sizes.out, sizes.seen(sizes.in)}).value().permuted(std::array{1, 0});
  turned = contiguous(cache, turned, turned_keeper);
  const Padded padded(cache, sizes, x.dtype, padding);
  padded.put(cache, x);
  dispatch_floating(x.dtype, [&](auto zero) {
    forward<decltype(zero)>(cache, sizes, padded.all(), turned, bias, y);
  });
  return true;
}

bool conv2d_gradient(Cache& cache, const View& x, const View& weight, const Size2d& stride,
                     const Size2d& padding, const View& g, const View& dx, const View& dweight,
                     const View& dbias) {
  const Sizes sizes(x, weight, g, stride, padding);
  std::shared_ptr<Buffer> weight_keeper, g_keeper;
  const View dense_g = contiguous(cache, g, g_keeper);
  const Padded padded(cache, sizes, x.dtype, padding);
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (dx.buffer != nullptr) {
      gradient_of_x<T>(cache, sizes, contiguous(cache, weight, weight_keeper), dense_g,
                       padded.all());
      copy(cache, padded.inside(), dx);
    }
    if (dweight.buffer != nullptr) {
      padded.put(cache, x);
      const std::int64_t numbers = weight.shape().numel();
      const Shape shape{std::min(kTasks, sizes.batch * sizes.tiles()), numbers};
      const auto memory = cache.allocate(static_cast<std::size_t>(shape.numel()) * sizeof(T));
      const View parts{memory.get(), x.dtype, Layout(shape)};
      gradient_of_weight<T>(cache, sizes, padded.all(), dense_g, parts);
      View row = dweight;
      row.layout.shape = Shape{1, numbers};
      row.layout.strides = {numbers, 1};
      reduce(cache, ReduceOp::sum, parts, row);
    }
    if (dbias.buffer != nullptr) {
      View row = dbias;
      row.layout.shape = Shape{1, sizes.out, 1, 1};
      row.layout.strides = {sizes.out, 1, 1, 1};
      reduce(cache, ReduceOp::sum, dense_g, row);
    }
  });
  return true;
}

}  // namespace gradus::cpu
