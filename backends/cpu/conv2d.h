// Convolution of images (of lines, where they are one pixel high), in two ways: conv2d.cpp lays out what
// the windows see, and does so for any stride; conv2d_direct.cpp reads it where it is, for stride 1.
#pragma once

#include <memory>

#include "backends/cpu/kernels.h"
#include "backends/host.h"

namespace gradus::cpu {

// height and width are those of images with their padding.
struct Sizes {
  std::int64_t batch, in, height, width, out, rows, columns, down, across;
  Size2d stride, padding;

  Sizes(const View& x, const View& weight, const View& y, const Size2d& step, const Size2d& zeros)
      : batch(x.shape()[0]),
        in(x.shape()[1]),
        height(x.shape()[2] + 2 * zeros.height),
        width(x.shape()[3] + 2 * zeros.width),
        out(weight.shape()[0]),
        rows(weight.shape()[2]),
        columns(weight.shape()[3]),
        down(y.shape()[2]),
        across(y.shape()[3]),
        stride(step),
        padding(zeros) {}

  std::int64_t image() const { return height * width; }
  std::int64_t windows() const { return down * across; }
  std::int64_t seen(std::int64_t channels) const { return channels * rows * columns; }
  // Windows with stride 1 have a place for each of these positions in an image, line by line; those at
  // the ends of lines look at two lines.
  std::int64_t positions() const { return (down - 1) * width + across; }
};

// Whether direct convolution can be used and is faster.
bool direct_pays(const Sizes& s, DType dtype);

// y = x convolved with a dense `weight`, + bias where there is one.
void conv2d_direct(Cache& cache, const Sizes& s, const View& x, const View& weight,
                   const View& bias, const View& y);
// The gradient of the weight, [out, in, rows, columns]; of x that has numbers that are not finite at the
// ends of lines it may be NaN where the definition is not.
void weight_gradient_direct(Cache& cache, const Sizes& s, const View& x, const View& g,
                            const View& dweight);

}  // namespace gradus::cpu
