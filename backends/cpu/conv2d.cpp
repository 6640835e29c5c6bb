// Convolution of images (of lines, where they are one pixel high), and its gradient, as products of
// matrices: what the windows of a tile see is laid out as columns [in * rows * columns, windows],
// of so many windows that they stay in the second-level cache (Chellapilla et al., "High performance
// convolutional neural networks for document processing", 2006). In the forward pass and backward
//
//   y [out, windows] = weight [out, seen] columns [seen, windows]
//   dweight = g columns^T,   dcolumns = weight^T g, each number added to dx where it was seen
#include "backends/cpu/conv2d.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "backends/cpu/gemm.h"
#include "tensor/parallel.h"

namespace gradus::cpu {

namespace {

constexpr std::int64_t kTileElements = 131072;  // of columns
constexpr std::int64_t kLeastWindows = 64;      // in a tile, however many numbers they see
constexpr std::int64_t kLeastTasks = 8;         // at the least, where the sizes give as many

// An image's windows are cut into tiles of this many (the last has the rest).
std::int64_t tile_size(const Sizes& s) {
  const std::int64_t most =
      std::max(kLeastWindows, kTileElements / std::max<std::int64_t>(s.seen(s.in), 1));
  const std::int64_t even = ceil_div(s.windows(), ceil_div(s.windows(), most));
  return ceil_div(even, 16) * 16;
}
std::int64_t tiles_of(const Sizes& s) { return ceil_div(s.windows(), tile_size(s)); }

// Windows [first, first + count) of an image and the channels that are looked at.
struct Tile {
  std::int64_t first, count, first_channel, channels;
};

Tile tile_of(const Sizes& s, std::int64_t number, std::int64_t first_channel,
             std::int64_t channels) {
  const std::int64_t first = number * tile_size(s);
  return {first, std::min(tile_size(s), s.windows() - first), first_channel, channels};
}

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

// Images with zeros around them, [batch, in, height, width], or room for their gradient.
class Padded {
 public:
  Padded(Cache& cache, const Sizes& s, DType dtype)
      : memory_(
            cache.allocate(static_cast<std::size_t>(s.batch * s.in * s.image()) * size_of(dtype))),
        all_{memory_.get(), dtype, Layout(Shape{s.batch, s.in, s.height, s.width})},
        inside_(all_) {
    inside_.layout = all_.layout.sliced(2, s.padding.height, s.height - s.padding.height, 1)
                         .sliced(3, s.padding.width, s.width - s.padding.width, 1);
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

// Memory for the columns of a tile.
template <class T>
class Columns {
 public:
  Columns(Cache& cache, const Sizes& s, std::int64_t channels)
      : memory_(
            cache.allocate(static_cast<std::size_t>(s.seen(channels) * tile_size(s)) * sizeof(T))) {
  }
  T* data() const { return reinterpret_cast<T*>(memory_->host()); }

 private:
  std::shared_ptr<Buffer> memory_;
};

// `turned` is weight^T, [seen, out]: a product packs its left side fastest where columns are dense.
template <class T>
void forward(Cache& cache, const Sizes& s, const View& x, const View& turned, const View& bias,
             const View& y) {
  parallel_for(s.batch * tiles_of(s), 1, [&](std::int64_t task, std::int64_t end) {
    const Columns<T> columns(cache, s, s.in);
    for (; task < end; ++task) {
      const std::int64_t item = task / tiles_of(s);
      const Tile tile = tile_of(s, task % tiles_of(s), 0, s.in);
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
  const std::int64_t strip = std::clamp<std::int64_t>(s.in * s.batch / kLeastTasks,
                                                      std::min<std::int64_t>(s.in, 16), s.in);
  const std::int64_t strips = ceil_div(s.in, strip);
  parallel_for(s.batch * strips, 1, [&](std::int64_t task, std::int64_t end) {
    const Columns<T> columns(cache, s, strip);
    for (; task < end; ++task) {
      const std::int64_t item = task / strips, first = task % strips * strip;
      const std::int64_t channels = std::min(strip, s.in - first);
      T* image = data_of<T>(dx) + item * s.in * s.image();
      std::fill_n(image + first * s.image(), channels * s.image(), T{0});
      for (std::int64_t number = 0; number < tiles_of(s); ++number) {
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
void make_parts(Cache& cache, const Sizes& s, const View& x, const View& g, const View& parts) {
  const std::int64_t count = parts.shape()[0], tiles = s.batch * tiles_of(s);
  const std::int64_t numbers = s.out * s.seen(s.in);
  parallel_for(count, 1, [&](std::int64_t part, std::int64_t end) {
    const Columns<T> columns(cache, s, s.in);
    for (; part < end; ++part) {
      T* sum = data_of<T>(parts) + part * numbers;
      std::fill_n(sum, numbers, T{0});
      for (std::int64_t t = part * tiles / count; t < (part + 1) * tiles / count; ++t) {
        const std::int64_t item = t / tiles_of(s);
        const Tile tile = tile_of(s, t % tiles_of(s), 0, s.in);
        lay_columns(s, tile, data_of<T>(x) + item * s.in * s.image(), columns.data());
        const T* from = data_of<T>(g) + item * s.out * s.windows() + tile.first;
        gemm(s.out, s.seen(s.in), tile.count, T{1}, Matrix<T>{from, s.windows(), 1},
             Matrix<T>{columns.data(), 1, tile.count}, true, sum, s.seen(s.in));
      }
    }
  });
}

// In two steps: parts, each the sum over a share of the tiles, and their sum.
template <class T>
void gradient_of_weight(Cache& cache, const Sizes& s, const View& x, const View& g,
                        const View& dweight) {
  const std::int64_t numbers = dweight.shape().numel();
  const Shape shape{std::min(kLeastTasks, s.batch * tiles_of(s)), numbers};
  Scratch<T> memory(cache, shape.numel());
  const View parts{memory.buffer().get(), g.dtype, Layout(shape)};
  make_parts<T>(cache, s, x, g, parts);
  sum_parts(cache, parts, dweight);
}

// With stride 1 dx is a convolution, too: of g with zeros around it, by the weight turned around.
bool gradient_of_x_direct(Cache& cache, const Sizes& s, const View& weight, const View& g,
                          const View& dx) {
  const Size2d around{s.rows - 1 - s.padding.height, s.columns - 1 - s.padding.width};
  if (s.stride.height != 1 || s.stride.width != 1 || around.height < 0 || around.width < 0) {
    return false;
  }
  View turned = weight;
  turned.layout = weight.layout.permuted(std::array{1, 0, 2, 3});
  for (const std::size_t axis : {2U, 3U}) {
    std::int64_t& step = turned.layout.strides[axis];
    turned.layout.offset += (weight.shape()[static_cast<int>(axis)] - 1) * step;
    step = -step;
  }
  if (!direct_pays(Sizes(g, turned, dx, 1, around), g.dtype)) return false;
  return conv2d(cache, g, turned, {}, 1, around, dx);
}

}  // namespace

bool conv2d(Cache& cache, const View& x, const View& weight, const View& bias, const Size2d& stride,
            const Size2d& padding, const View& y) {
  const Sizes sizes(x, weight, y, stride, padding);
  std::shared_ptr<Buffer> weight_keeper, turned_keeper;
  const View dense = contiguous(cache, weight, weight_keeper);
  if (direct_pays(sizes, x.dtype)) {
    conv2d_direct(cache, sizes, x, dense, bias, y);
    return true;
  }
  const Padded padded(cache, sizes, x.dtype);
  padded.put(cache, x);
  View turned = dense;
  turned.layout =
      dense.layout.reshaped({sizes.out, sizes.seen(sizes.in)}).value().permuted(std::array{1, 0});
  turned = contiguous(cache, turned, turned_keeper);
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
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (dx.buffer != nullptr && dx.shape().numel() > 0 &&
        !gradient_of_x_direct(cache, sizes, weight, g, dx)) {
      const Padded padded(cache, sizes, x.dtype);
      gradient_of_x<T>(cache, sizes, contiguous(cache, weight, weight_keeper), dense_g,
                       padded.all());
      copy(cache, padded.inside(), dx);
    }
    if (dweight.buffer != nullptr && direct_pays(sizes, x.dtype)) {
      weight_gradient_direct(cache, sizes, x, g, dweight);
    } else if (dweight.buffer != nullptr) {
      const Padded padded(cache, sizes, x.dtype);
      padded.put(cache, x);
      gradient_of_weight<T>(cache, sizes, padded.all(), dense_g, dweight);
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
