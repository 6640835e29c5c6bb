#include "tensor/tensor.h"

#include <fmt/format.h>

#include <type_traits>

#include "tensor/elements.h"
#include "tensor/error.h"

namespace gradus {

namespace {

// x in row-major order without gaps, in `dtype`.
Tensor compact(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype && x.layout().is_contiguous()) return x;
  Tensor out = empty(x.shape(), {dtype, &x.backend()});
  x.backend().unary(UnaryOp::copy, x.view(), out.view());
  return out;
}

}  // namespace

Tensor::Tensor(std::shared_ptr<Buffer> buffer, const Layout& layout, DType dtype, Backend& backend)
    : buffer_(std::move(buffer)), layout_(layout), dtype_(dtype), backend_(&backend) {}

Backend& Tensor::backend() const {
  if (!defined())
    throw BackendError("[tensor] this tensor is undefined: nothing was assigned to it");
  return *backend_;
}

TensorOptions Tensor::options() const { return {dtype_, &backend()}; }

template <Element T>
std::vector<T> Tensor::to_vector() const {
  const Tensor dense = compact(*this, dtype_of<T>);  // refuses what memory cannot hold
  std::vector<T> values(static_cast<std::size_t>(numel()));
  backend().download(dense.view(), values.data());
  return values;
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;

double Tensor::item() const {
  if (!defined() || numel() != 1) {
    throw ShapeError(fmt::format("[item] needs exactly one element, got {}", describe(*this)));
  }
  return to_vector<double>()[0];
}

Tensor Tensor::with_layout(const Layout& layout) const {
  return Tensor(buffer_, layout, dtype_, backend());
}

Tensor Tensor::with_node(std::shared_ptr<Node> node) const {
  Tensor result = *this;
  result.node_ = std::move(node);
  return result;
}

Tensor Tensor::detach() const { return with_node(nullptr); }

Tensor empty(const Shape& shape, TensorOptions options) {
  Backend& on = options.backend != nullptr ? *options.backend : default_backend();
  const DType dtype = options.dtype.value_or(DType::f32);
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(shape.numel(), static_cast<std::int64_t>(size_of(dtype)), &bytes)) {
    throw ShapeError(fmt::format("[empty] the size of {} {} in bytes does not fit 64 bits",
                                 name_of(dtype), to_string(shape)));
  }
  return Tensor(on.allocate(static_cast<std::size_t>(bytes)), Layout(shape), dtype, on);
}

Tensor full(const Shape& shape, double value, TensorOptions options) {
  if (options.dtype == DType::i32) check_i32("full", value);
  Tensor out = empty(shape, options);
  out.backend().fill(out.view(), value);
  return out;
}

Tensor zeros(const Shape& shape, TensorOptions options) { return full(shape, 0, options); }
Tensor ones(const Shape& shape, TensorOptions options) { return full(shape, 1, options); }

template <Element T>
Tensor from_span(std::span<const T> values, const Shape& shape, Backend* backend) {
  if (static_cast<std::int64_t>(values.size()) != shape.numel()) {
    throw ShapeError(fmt::format("[from_span] {} values do not fill {}, which has {} elements",
                                 values.size(), to_string(shape), shape.numel()));
  }
  Tensor out = empty(shape, {dtype_of<T>, backend});
  out.backend().upload(values.data(), out.view());
  return out;
}
template Tensor from_span(std::span<const float>, const Shape&, Backend*);
template Tensor from_span(std::span<const double>, const Shape&, Backend*);
template Tensor from_span(std::span<const std::int32_t>, const Shape&, Backend*);
template Tensor from_span(std::span<const bool>, const Shape&, Backend*);

namespace {
Tensor from_doubles(const std::vector<double>& values, const Shape& shape, TensorOptions options) {
  return compact(from_vector(values, shape, options.backend), options.dtype.value_or(DType::f32));
}
}  // namespace

Tensor arange(std::int64_t count, TensorOptions options) {
  const Shape shape{count};  // refuses a negative count
  if (options.dtype == DType::i32) check_i32("arange", static_cast<double>(count) - 1);
  return arange(0, static_cast<double>(shape.numel()), 1, options);
}

Tensor eye(std::int64_t size, TensorOptions options) {
  const Tensor matrix = zeros({size, size}, options);
  Layout diagonal(Shape{size});
  diagonal.strides[0] = size + 1;
  const Tensor one = ones({size}, matrix.options());
  matrix.backend().unary(UnaryOp::copy, one.view(), matrix.with_layout(diagonal).view());
  return matrix;
}

NestedValues::NestedValues(std::initializer_list<NestedValues> list) {
  const Shape inner = list.size() == 0 ? Shape{} : list.begin()->shape();
  for (const NestedValues& part : list) {
    if (part.shape() != inner) {
      throw ShapeError(fmt::format("[tensor] lists side by side differ in shape: {} and {}",
                                   to_string(inner), to_string(part.shape())));
    }
    values_.insert(values_.end(), part.values().begin(), part.values().end());
  }
  shape_ = inner.inserted(0, static_cast<std::int64_t>(list.size()));
}

Tensor tensor(const NestedValues& values, TensorOptions options) {
  for (double value : values.values()) {
    if (options.dtype == DType::i32) check_i32("tensor", value);
  }
  return from_doubles(values.values(), values.shape(), options);
}

Tensor to(const Tensor& x, TensorOptions options) {
  Backend& target = options.backend != nullptr ? *options.backend : x.backend();
  const Tensor cast = compact(x.detach(), options.dtype.value_or(x.dtype()));
  if (&target == &x.backend()) return cast;
  std::vector<std::byte> bytes(static_cast<std::size_t>(x.numel()) * size_of(cast.dtype()));
  x.backend().download(cast.view(), bytes.data());
  Tensor out = empty(x.shape(), {cast.dtype(), &target});
  target.upload(bytes.data(), out.view());
  return out;
}

std::string describe(const Tensor& x) {
  if (!x.defined()) return "an undefined tensor";
  return fmt::format("{} {} on {}", name_of(x.dtype()), to_string(x.shape()), x.backend().name());
}

}  // namespace gradus
