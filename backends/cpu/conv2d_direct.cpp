// Convolution with stride 1 straight from the images (Zhang et al., "High performance zero-memory
// overhead direct convolutions", 2018). With their padding, their lines lie one behind the other, and
// what the windows at positions 0, 1, ... of an image see at one place of theirs lies together, too:
//
//   y[o, q] = sum over s of weight[o, s] x[q + place(s)],   place(c, i, j) = c step + i width + j
//
// which is a product of matrices whose right side, [seen, positions], needs no copy: its rows are
// pieces of the image's channels, `step` apart. Positions that look at two lines are computed, too,
// unless lines end with a block of registers, and left out in the end. Its gradient dweight^T
// [seen, out] is x's rows times g^T [positions, out], which is 0 where a position looks at two lines.
// Images are padded tile by tile, on the way into the caches. Highway compiles this file once for each
// kind of CPU.
#include "backends/cpu/simd.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/conv2d_direct.cpp"
#include <hwy/foreach_target.h>
// clang-format off
#include <hwy/highway.h>
#include "backends/cpu/simd_block-inl.h"
// clang-format on

#include <algorithm>
#include <array>
#include <vector>

#include "backends/cpu/bf16.h"
#include "backends/cpu/conv2d.h"
#include "tensor/parallel.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

// Numbers of y that are computed together stay in the second-level cache.
constexpr std::int64_t kTileElements = 65536;

// How far the last place of a window is from its first, in a channel.
std::int64_t reach(const Sizes& s) { return (s.rows - 1) * s.width + s.columns - 1; }

// place(s) for all s; channels are `step` apart.
std::vector<std::int64_t> places(const Sizes& s, std::int64_t step) {
  std::vector<std::int64_t> all;
  for (std::int64_t c = 0; c < s.in; ++c) {
    for (std::int64_t i = 0; i < s.rows; ++i) {
      for (std::int64_t j = 0; j < s.columns; ++j) all.push_back(c * step + i * s.width + j);
    }
  }
  return all;
}

template <class T>
HWY_INLINE void copy_line(const T* HWY_RESTRICT from, std::int64_t step, T* HWY_RESTRICT to,
                          std::int64_t n) {
  if (step == 1) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * step];
  }
}

// A line of all channels, which lie side by side, the line's numbers `step` apart: squares are turned.
template <class T>
HWY_INLINE void turn_line(const T* from, std::int64_t channels, std::int64_t step, T* to,
                          std::int64_t to_step, std::int64_t n) {
  const std::int64_t squares = n / kSquare<T> * kSquare<T>;
  std::int64_t c = 0;
  for (; c + kSquare<T> <= channels; c += kSquare<T>, to += kSquare<T> * to_step) {
    for (std::int64_t i = 0; i < squares; i += kSquare<T>) {
      turn(from + c + i * step, step, to + i, to_step);
    }
    for (std::int64_t r = 0; r < kSquare<T>; ++r) {
      copy_line(from + c + r + squares * step, step, to + r * to_step + squares, n - squares);
    }
  }
  for (; c < channels; ++c, to += to_step) copy_line(from + c, step, to, n);
}

// An image's channels laid out by position, to rows of `step` numbers that begin with position `first`:
// line i of a channel begins at position (origin.height + i) width + origin.width, around it are zeros.
template <class T>
HWY_FLATTEN void lay_positions(const View& images, std::int64_t item, const Size2d& origin,
                               std::int64_t width, std::int64_t first, std::int64_t step, T* out) {
  const Shape& shape = images.shape();
  const std::int64_t channels = shape[1], lines = shape[2], across = shape[3];
  const auto& strides = images.layout.strides;
  const T* const image = data_of<T>(images) + item * strides[0];
  const auto each_line = [&](const auto& lay) HWY_ATTR {  // lay(its numbers, where to, how many)
    std::int64_t line = std::max<std::int64_t>(first / width - origin.height, 0);
    for (; line < lines; ++line) {
      const std::int64_t start = (line + origin.height) * width + origin.width;
      if (start >= first + step) break;
      const std::int64_t begin = std::max(first, start);
      const std::int64_t end = std::min(first + step, start + across);
      lay(image + line * strides[2] + (begin - start) * strides[3], out + (begin - first),
          end - begin);
    }
  };
  std::fill_n(out, channels * step, T{0});
  if (strides[1] == 1 && strides[3] != 1) {
    return each_line([&](const T* from, T* to, std::int64_t n)
                         HWY_ATTR { turn_line(from, channels, strides[3], to, step, n); });
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    each_line([&](const T* from, T* to, std::int64_t n)
                  HWY_ATTR { copy_line(from + c * strides[1], strides[3], to + c * step, n); });
  }
}

// A distance for rows of `length`: no power of two, with which they would share a place in the cache.
std::int64_t apart(std::int64_t length) { return ceil_div(length, 32) * 32 + 16; }

// `length` rounded up to whole blocks of `side`.
std::int64_t whole(std::int64_t length, std::int64_t side) { return ceil_div(length, side) * side; }

// Positions are computed in blocks of kColumns, `used` of every `unit` of them: all, or only those with a
// window, where a line's are whole blocks or nearly so.
template <class T>
struct Stretch {
  std::int64_t unit = kColumns<T>, used = kColumns<T>;

  explicit Stretch(const Sizes& s) {
    if (s.down > 1 && whole(s.across, kColumns<T>) <= s.width) unit = s.width, used = s.across;
  }
};

// Rows of the right side: pieces of channels.
template <class T>
struct Pieces {
  const T* image;
  const std::int64_t* place;
  HWY_INLINE const T* operator()(std::int64_t s) const { return image + place[s]; }
};

// tile [out, distance], of which the first `count` columns are the positions of `image`.
template <class T>
HWY_FLATTEN void compute_tile(const Sizes& s, const T* image, const std::int64_t* place,
                              const T* panels, std::int64_t count, T* tile, std::int64_t distance) {
  const std::int64_t seen = s.seen(s.in), height = whole(s.out, kRows);
  const Stretch<T> stretch(s);
  for (std::int64_t p = 0; p < seen; p += kInner) {
    const std::int64_t inner = std::min(kInner, seen - p);
    for (std::int64_t begin = 0; begin < count; begin += stretch.unit) {
      for (std::int64_t q = begin; q < begin + stretch.used; q += kColumns<T>) {
        for (std::int64_t o = 0; o < s.out; o += kRows) {
          block_of(std::min(kRows, s.out - o), inner, T{1},
                   ColumnsA<T>{panels + p * height + o * inner}, Pieces<T>{image + q, place + p},
                   Put<T>{.add = p > 0}, tile + o * distance + q, distance, kColumns<T>);
        }
      }
    }
  }
}

// Positions [first, first + count) of a tile that have a window go to y, with the bias added.
template <class T>
HWY_FLATTEN void put_tile(const Sizes& s, const T* tile, std::int64_t distance, std::int64_t first,
                          std::int64_t count, const View& bias, T* y) {
  for (std::int64_t o = 0; o < s.out; ++o, tile += distance, y += s.windows()) {
    const T add = bias.buffer == nullptr ? T{0} : data_of<T>(bias)[o * bias.layout.stride(0)];
    for (std::int64_t line = first / s.width; line * s.width < first + count; ++line) {
      const std::int64_t begin = std::max(first, line * s.width);
      const std::int64_t end = std::min(first + count, line * s.width + s.across);
      T* to = y + line * s.across - line * s.width;
      for (std::int64_t q = begin; q < end; ++q) to[q] = tile[q - first] + add;
    }
  }
}

template <class T>
HWY_FLATTEN void pack_weight(const Sizes& s, const T* weight, T* panels) {
  const std::int64_t seen = s.seen(s.in), height = whole(s.out, kRows);
  for (std::int64_t p = 0; p < seen; p += kInner) {
    pack<kRows>(Matrix<T>{weight + p, seen, 1}, s.out, std::min(kInner, seen - p),
                panels + p * height);
  }
}

template <class T>
void forward(Cache& cache, const Sizes& s, const View& x, const View& weight, const View& bias,
             const View& y) {
  Scratch<T> panels(cache, s.seen(s.in) * whole(s.out, kRows));
  pack_weight(s, data_of<T>(weight), panels.data());
  const std::int64_t most = std::max(kColumns<T>, kTileElements / std::max<std::int64_t>(s.out, 1));
  const std::int64_t tiles = ceil_div(s.positions(), most);
  const std::int64_t tile = whole(ceil_div(s.positions(), tiles), Stretch<T>(s).unit);
  const std::int64_t distance = apart(tile), step = apart(tile + reach(s));
  const std::vector<std::int64_t> place = places(s, step);
  parallel_for(s.batch * tiles, 1, [&](std::int64_t task, std::int64_t end) {
    Scratch<T> image(cache, s.in * step), sums(cache, s.out * distance);
    for (; task < end; ++task) {
      const std::int64_t item = task / tiles, first = task % tiles * tile;
      const std::int64_t count = std::min(tile, s.positions() - first);
      lay_positions(x, item, s.padding, s.width, first, step, image.data());
      compute_tile(s, image.data(), place.data(), panels.data(), count, sums.data(), distance);
      put_tile(s, sums.data(), distance, first, count, bias,
               data_of<T>(y) + item * s.out * s.windows());
    }
  });
}

// sums [seen, width] += rows of an image, of `inner` positions, times g^T, of which panels are made from
// g [out, positions], whose rows lie `g_step` apart.
template <class T>
HWY_FLATTEN void add_products(const Sizes& s, const T* image, const std::int64_t* place, const T* g,
                              std::int64_t g_step, std::int64_t inner, T* panels, T* sums) {
  const std::int64_t seen = s.seen(s.in), width = whole(s.out, kColumns<T>);
  pack<kColumns<T>>(Matrix<T>{g, g_step, 1}, s.out, inner, panels);
  for (std::int64_t p = 0; p < seen; p += kRows) {
    const std::int64_t rows = std::min(kRows, seen - p);
    RowsA<T> a;
    for (std::int64_t r = 0; r < rows; ++r) {
      a.rows[static_cast<std::size_t>(r)] = image + place[p + r];
    }
    for (std::int64_t o = 0; o < width; o += kColumns<T>) {
      block_of(rows, inner, T{1}, a, PanelB<T>{panels + o * inner}, Put<T>{.add = true},
               sums + p * width + o, width, kColumns<T>);
    }
  }
}

// Each of a fixed number of parts sums over a share of the images' tiles, which are no shorter than what
// their windows reach beyond them.
template <class T>
void gradient_of_weight(Cache& cache, const Sizes& s, const View& x, const View& g,
                        const View& dweight) {
  constexpr std::int64_t kParts = 8;
  const std::int64_t seen = s.seen(s.in), width = whole(s.out, kColumns<T>);
  const std::int64_t tile = whole(std::max(kInner, reach(s)), kInner);
  const std::int64_t step = apart(tile + reach(s)), g_step = apart(tile);
  const std::vector<std::int64_t> place = places(s, step);
  const std::int64_t tiles = ceil_div(s.positions(), tile), all = s.batch * tiles;
  const std::int64_t parts = std::clamp<std::int64_t>(all, 1, kParts);
  Scratch<T> sums(cache, parts * seen * width);
  parallel_for(parts, 1, [&](std::int64_t part, std::int64_t end) {
    Scratch<T> image(cache, s.in * step), gradient(cache, s.out * g_step);
    Scratch<T> panels(cache, kInner * width);
    for (; part < end; ++part) {
      T* sum = sums.data() + part * seen * width;
      std::fill_n(sum, seen * width, T{0});
      for (std::int64_t i = part * all / parts; i < (part + 1) * all / parts; ++i) {
        const std::int64_t item = i / tiles, first = i % tiles * tile;
        lay_positions(x, item, s.padding, s.width, first, step, image.data());
        lay_positions(g, item, 0, s.width, first, g_step, gradient.data());
        const std::int64_t count = std::min(tile, s.positions() - first);
        for (std::int64_t q = 0; q < count; q += kInner) {
          add_products(s, image.data() + q, place.data(), gradient.data() + q, g_step,
                       std::min(kInner, count - q), panels.data(), sum);
        }
      }
    }
  });
  View every{sums.buffer().get(), x.dtype, Layout(Shape{parts, s.out, seen})}, out = dweight;
  every.layout.strides = {seen * width, 1, width};
  out.layout = Layout(Shape{1, s.out, seen});
  out.layout.offset = dweight.layout.offset;
  reduce(cache, ReduceOp::sum, every, out);
}

void forward_of(Cache& cache, const Sizes& s, const View& x, const View& weight, const View& bias,
                const View& y) {
  dispatch_floating(x.dtype,
                    [&](auto zero) { forward<decltype(zero)>(cache, s, x, weight, bias, y); });
}
void gradient_of(Cache& cache, const Sizes& s, const View& x, const View& g, const View& dweight) {
  dispatch_floating(
      x.dtype, [&](auto zero) { gradient_of_weight<decltype(zero)>(cache, s, x, g, dweight); });
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(forward_of);
HWY_EXPORT(gradient_of);

bool direct_pays(const Sizes& s, DType dtype) {
  constexpr std::int64_t kLines = 5;  // positions without a window are at most one in so many
  return s.in > 0 && s.stride.height == 1 && s.stride.width == 1 &&
         (s.down == 1 || kLines * (s.columns - 1) <= s.width) &&
         !(dtype == DType::f32 && multiplies_tiles());
}

void conv2d_direct(Cache& cache, const Sizes& s, const View& x, const View& weight,
                   const View& bias, const View& y) {
  HWY_DYNAMIC_DISPATCH(forward_of)(cache, s, x, weight, bias, y);
}

void weight_gradient_direct(Cache& cache, const Sizes& s, const View& x, const View& g,
                            const View& dweight) {
  HWY_DYNAMIC_DISPATCH(gradient_of)(cache, s, x, g, dweight);
}

}  // namespace gradus::cpu
#endif
