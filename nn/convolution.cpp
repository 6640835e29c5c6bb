#include "nn/convolution.h"

#include <cmath>

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

Conv1d::Conv1d(std::int64_t in, std::int64_t out, std::int64_t size, Conv1dOptions options)
    : stride_(options.stride), padding_(options.padding) {
  check_sizes("Conv1d", {in, out, size, options.stride});
  check_padding("Conv1d", options.padding);
  const double bound = 1 / std::sqrt(static_cast<double>(in) * static_cast<double>(size));
  weight = parameter(empty({out, in, size}));
  init::uniform(weight, -bound, bound);
  if (options.bias) {
    bias = parameter(empty({out}));
    init::uniform(bias, -bound, bound);
  }
}

Tensor Conv1d::operator()(const Tensor& x) const {
  return located([&] { return conv1d(x, weight, bias, {.stride = stride_, .padding = padding_}); });
}

Tensor Conv1d::operator()(const Tensor& x, const Windows& windows) const {
  return located([&] { return segment_conv1d(x, weight, bias, windows); });
}

Windows Conv1d::windows(const Segments& segments) const {
  return segment_windows(
      segments, {.size = weight.size(2), .stride = stride_, .padding = padding_, .partial = false},
      weight.backend());
}

void Conv1d::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

std::string Conv1d::detail() const {
  return fmt::format("{} -> {}, size {}, stride {}, padding {}", weight.size(1), weight.size(0),
                     weight.size(2), stride_, padding_);
}

Pool1d::Pool1d(const char* type, std::int64_t size, std::int64_t stride)
    : size_(size), stride_(stride == 0 ? size : stride) {
  check_sizes(type, {size_, stride_});
}

Windows Pool1d::windows(const Segments& segments, Backend& backend) const {
  return segment_windows(
      segments, {.size = size_, .stride = stride_, .padding = 0, .partial = true}, backend);
}

std::string Pool1d::detail() const { return fmt::format("size {}, stride {}", size_, stride_); }

Tensor MaxPool1d::operator()(const Tensor& x) const {
  return located([&] { return max_pool1d(x, size_, stride_); });
}

Tensor MaxPool1d::operator()(const Tensor& x, const Windows& windows) const {
  return located([&] { return segment_max_pool1d(x, windows); });
}

Tensor AvgPool1d::operator()(const Tensor& x) const {
  return located([&] { return avg_pool1d(x, size_, stride_); });
}

// Places outside (-1) add zero to a window's sum and do not count.
Tensor AvgPool1d::operator()(const Tensor& x, const Windows& windows) const {
  return located([&] {
    const Tensor inside = cast(windows.rows >= 0, x.dtype());  // [windows, size]
    return sum(gather(x, windows.rows), 1) / sum(inside, 1, true);
  });
}

}  // namespace gradus::nn
