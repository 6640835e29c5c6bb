// Prints tensors in nested brackets. All numbers of a tensor share a format and a width. If it has
// more than kSmall elements, axes longer than kEdge * 2 show only their ends.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "tensor/tensor.h"

namespace gradus {

namespace {

constexpr std::int64_t kSmall = 1000;
constexpr std::int64_t kEdge = 3;

class Printer {
 public:
  explicit Printer(const Tensor& x) : shape_(x.shape()), dtype_(x.dtype()) {
    values_ = x.to_vector<double>();
    abbreviate_ = shape_.numel() > kSmall ||
                  std::ranges::any_of(shape_.sizes(), [](std::int64_t n) { return n > kSmall; });
    std::string narrow;
    print(narrow, 0, 0);  // finds the width of what is shown
  }

  // Appends the sub-tensor whose first element is number `first`, from axis `axis` on.
  void print(std::string& out, int axis, std::int64_t first) {
    if (axis == shape_.rank()) {
      const std::string text = number(values_[static_cast<std::size_t>(first)]);
      width_ = std::max(width_, text.size());
      out += fmt::format("{:>{}}", text, width_);
      return;
    }
    const std::int64_t size = shape_[axis];
    std::int64_t step = 1;  // elements per step along this axis
    for (int inner = axis + 1; inner < shape_.rank(); ++inner) step *= shape_[inner];
    const bool skip = abbreviate_ && size > 2 * kEdge;
    out += '[';
    for (std::int64_t i = 0; i < size; ++i) {
      if (i > 0) out += separator(axis);
      if (skip && i == kEdge) {
        out += "...";
        i = size - kEdge - 1;
        continue;
      }
      print(out, axis + 1, first + i * step);
    }
    out += ']';
  }

 private:
  std::string number(double value) const {
    if (dtype_ == DType::boolean) return value != 0 ? "true" : "false";
    if (dtype_ == DType::i32) return fmt::format("{:.0f}", value);
    if (std::isnan(value)) return "nan";  // whatever its sign
    return fmt::format("{:.5g}", value);
  }
  // Between sub-tensors with n axes of their own: a comma and n line breaks, indented to fit.
  std::string separator(int axis) const {
    const int inner = shape_.rank() - axis - 1;
    if (inner == 0) return ", ";
    return "," + std::string(static_cast<std::size_t>(inner), '\n') +
           std::string(static_cast<std::size_t>(axis) + 1, ' ');
  }

  Shape shape_;
  DType dtype_;
  std::vector<double> values_;
  bool abbreviate_ = false;
  std::size_t width_ = 0;
};

}  // namespace

std::string to_string(const Tensor& x) {
  if (!x.defined()) return "undefined";
  std::string out;
  Printer(x).print(out, 0, 0);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Tensor& x) { return out << to_string(x); }
std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

}  // namespace gradus
