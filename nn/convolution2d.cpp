#include "nn/convolution2d.h"

#include <cmath>

#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

namespace {
std::string text_of(const Size2d& size) { return fmt::format("{} x {}", size.height, size.width); }
}  // namespace

Conv2d::Conv2d(std::int64_t in, std::int64_t out, const Size2d& size, const Conv2dOptions& options)
    : stride_(options.stride), padding_(options.padding) {
  check_sizes("Conv2d", {in, out, size.height, size.width, stride_.height, stride_.width});
  check_padding("Conv2d", padding_);
  const double fan_in =
      static_cast<double>(in) * static_cast<double>(size.height) * static_cast<double>(size.width);
  const double bound = 1 / std::sqrt(fan_in);
  weight = parameter(empty({out, in, size.height, size.width}));
  init::uniform(weight, -bound, bound);
  if (options.bias) {
    bias = parameter(empty({out}));
    init::uniform(bias, -bound, bound);
  }
}

Tensor Conv2d::operator()(const Tensor& x) const {
  return located([&] { return conv2d(x, weight, bias, {.stride = stride_, .padding = padding_}); });
}

void Conv2d::visit(Visitor& v) {
  v("weight", weight);
  v("bias", bias);
}

std::string Conv2d::detail() const {
  return fmt::format("{} -> {}, size {}, stride {}, padding {}", weight.size(1), weight.size(0),
                     text_of({weight.size(2), weight.size(3)}), text_of(stride_),
                     text_of(padding_));
}

Pool2d::Pool2d(const char* type, const Size2d& size, const Pool2dOptions& options)
    : size_(size),
      stride_(options.stride.height == 0 ? size.height : options.stride.height,
              options.stride.width == 0 ? size.width : options.stride.width) {
  check_sizes(type, {size_.height, size_.width, stride_.height, stride_.width});
}

std::string Pool2d::detail() const {
  return fmt::format("size {}, stride {}", text_of(size_), text_of(stride_));
}

Tensor MaxPool2d::operator()(const Tensor& x) const {
  return located([&] { return max_pool2d(x, size_, stride_); });
}

Tensor AvgPool2d::operator()(const Tensor& x) const {
  return located([&] { return avg_pool2d(x, size_, stride_); });
}

}  // namespace gradus::nn
