// Convolution of images (of lines, where they are one pixel high), in two ways: conv2d.cpp lays out what
// the windows see, and does so for any stride; conv2d_direct.cpp reads it where it is, for stride 1.
#pragma once

#include <memory>

#include "backends/cpu/kernels.h"
#include "backends/host.h"

namespace gradus::cpu {

// ceil(a / b) for b > 0
inline std::int64_t divide_up(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0); }

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
  // Windows with stride 1 have a place for each of these positions in an image, line by line; those at
  // the ends of lines look at two lines.
  std::int64_t positions() const { return (down - 1) * width + across; }
};

// Images with zeros around them, [batch, in, height, width], or room for their gradient.
class Padded {
 public:
  // Behind the last image there are as many bytes more that may be read.
  static constexpr std::int64_t kBehind = 256;

  Padded(Cache& cache, const Sizes& s, DType dtype, const Size2d& padding)
      : memory_(cache.allocate(
            static_cast<std::size_t>(s.batch * s.in * s.image()) * size_of(dtype) + kBehind)),
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
    const std::size_t bytes = static_cast<std::size_t>(all_.shape().numel()) * size_of(all_.dtype);
    std::fill_n(memory_->host() + bytes, kBehind, std::byte{0});
  }

 private:
  std::shared_ptr<Buffer> memory_;
  View all_, inside_;
};

// Whether direct convolution can be used and is faster.
bool direct_pays(const Sizes& s, DType dtype);

// y = x convolved with a dense `weight`, + bias where there is one.
void conv2d_direct(Cache& cache, const Sizes& s, const Padded& x, const View& weight,
                   const View& bias, const View& y);
// The gradient of the weight, [out, in, rows, columns]; of x that has numbers that are not finite at the
// ends of lines it may be NaN where the definition is not.
void weight_gradient_direct(Cache& cache, const Sizes& s, const Padded& x, const View& g,
                            const View& dweight);

}  // namespace gradus::cpu
