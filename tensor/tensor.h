// A tensor: an n-dimensional array of numbers, passed around by a handle.
//
//   Tensor a = tensor({{1, 2, 3}, {4, 5, 6}});       // [2, 3], f32
//   Tensor b = zeros({3}, {.dtype = DType::f64});
//   a.shape()            // [2, 3]
//   a.to_vector<float>() // {1, 2, 3, 4, 5, 6}
//   std::cout << a;      // [[1, 2, 3],
//                        //  [4, 5, 6]]
//
// A Tensor is a handle, {buffer, layout, dtype, backend, graph node}: cheap to copy, and copies
// share memory. Operations (autograd/ops.h) never modify their inputs: they return new tensors, and
// `x += y` rebinds the handle. Only `assign`, which optimizers and loaders use, writes into
// existing memory.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor/backend.h"
#include "tensor/dtype.h"
#include "tensor/layout.h"
#include "tensor/shape.h"

namespace gradus {

class Gradient;
struct Node;
struct TensorOptions;

class Tensor {
 public:
  Tensor() = default;  // undefined: defined() is false
  Tensor(std::shared_ptr<Buffer> buffer, const Layout& layout, DType dtype, Backend& backend);
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  // For named tensors only: x[0] = y or p.grad() = g would rebind a temporary handle, to no effect.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & = default;

  bool defined() const { return buffer_ != nullptr; }
  const Shape& shape() const { return layout_.shape; }
  std::int64_t size(int axis) const { return layout_.shape[axis]; }
  int rank() const { return layout_.shape.rank(); }
  std::int64_t numel() const { return layout_.shape.numel(); }
  DType dtype() const { return dtype_; }
  const Layout& layout() const { return layout_; }
  // Throws BackendError for an undefined tensor.
  Backend& backend() const;
  // The dtype and backend, to make another tensor like this one: zeros({3}, x.options()).
  TensorOptions options() const;
  // select(x, 0, i) (autograd/ops.h): row i of a matrix, or element i of a vector, as a scalar.
  Tensor operator[](std::int64_t i) const;
  View view() const { return {buffer_.get(), dtype_, layout_}; }

  // All elements in row-major order, cast to T (float, double, std::int32_t, std::int64_t or bool).
  // Throws DTypeError if T is an integer type and an element does not fit it.
  template <Element T>
  std::vector<T> to_vector() const;
  // The value of the only element. Throws ShapeError unless there is exactly one.
  double item() const;

  // ---- Differentiation (defined in autograd/leaf.cpp; see autograd/autograd.h) ----

  // Whether operations on this tensor are recorded.
  bool requires_grad() const;
  // Makes this a leaf whose gradient backward() will fill in; `false` freezes a leaf and drops its
  // gradient. All copies of a leaf are one leaf, an optimizer's copies too. Throws DTypeError
  // unless f32 or f64, GradError if the tensor was computed from others that require gradients.
  Tensor& set_requires_grad(bool on = true);
  // The gradient accumulated by backward() so far, dense; undefined before the first backward().
  Tensor grad() const;
  // The same in the form in which it was accumulated, dense or row-sparse (autograd/gradient.h).
  const Gradient& gradient() const;
  void set_gradient(Gradient gradient);
  void zero_grad();
  // Adds d(this)/d(leaf) to the grad() of every leaf behind this tensor, which must have one
  // element. Frees the graph. Throws like backward() in autograd/autograd.h, which has options.
  void backward() const;
  // The same memory, outside the graph. It sees later writes; clone() (autograd/ops.h) does not.
  Tensor detach() const;

  // Writes `values` (same shape; cast or moved between backends if needed) into this tensor's
  // memory. Every handle to that memory sees the new values, and so do the pullbacks of a graph
  // still waiting for backward(): assign between backward() and the next forward pass. Throws
  // ShapeError for values of another shape or an expanded tensor, whose elements share memory,
  // GradError for a computed one.
  void assign(const Tensor& values);

  // ---- For operations ----

  const std::shared_ptr<Node>& node() const { return node_; }
  // The same memory seen through another layout, outside the graph.
  Tensor with_layout(const Layout& layout) const;
  Tensor with_node(std::shared_ptr<Node> node) const;

 private:
  std::shared_ptr<Buffer> buffer_;
  Layout layout_;
  DType dtype_ = DType::f32;
  Backend* backend_ = nullptr;
  std::shared_ptr<Node> node_;
};

// ---- Making tensors ----

// Defaults: f32 on default_backend(); for to(), whatever the tensor has.
struct TensorOptions {
  std::optional<DType> dtype = {};
  Backend* backend = nullptr;
};

// A number, or a nested list of numbers in braces: what tensor() takes.
class NestedValues {
 public:
  NestedValues(double value) : values_{value} {}           // NOLINT: written out, not converted
  NestedValues(std::initializer_list<NestedValues> list);  // NOLINT
  const Shape& shape() const { return shape_; }
  const std::vector<double>& values() const { return values_; }  // row-major

 private:
  Shape shape_;
  std::vector<double> values_;
};

// Values are uninitialised.
Tensor empty(const Shape& shape, TensorOptions options = {});
Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
// 0, 1, ..., count - 1.
Tensor arange(std::int64_t count, TensorOptions options = {});
// begin, begin + step, ... up to but not including end; downwards if step is negative (makers.cpp).
Tensor arange(double begin, double end, double step = 1, TensorOptions options = {});
// `count` evenly spaced numbers from begin to end, both included.
Tensor linspace(double begin, double end, std::int64_t count, TensorOptions options = {});
// With the shape, dtype and backend of x.
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
// The identity matrix [size, size].
Tensor eye(std::int64_t size, TensorOptions options = {});
// From literal values: tensor(3.5), tensor({1, 2}), tensor({{1, 2}, {3, 4}}), or deeper nesting.
// Throws ShapeError if lists at the same level differ in shape.
Tensor tensor(const NestedValues& values, TensorOptions options = {});
// From values in row-major order. The dtype follows T (float, double, std::int32_t or bool);
// std::int64_t gives i32. Throws ShapeError unless there are shape.numel() values, DTypeError for a
// value that does not fit i32.
template <Element T>
Tensor from_span(std::span<const T> values, const Shape& shape, Backend* backend = nullptr);
template <Element T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape, Backend* backend = nullptr) {
  return from_span(std::span<const T>(values), shape, backend);
}
// Specialised in elements.cpp.
template <>
std::vector<bool> Tensor::to_vector() const;
template <>
std::vector<std::int32_t> Tensor::to_vector() const;
template <>
std::vector<std::int64_t> Tensor::to_vector() const;
template <>
Tensor from_span(std::span<const std::int64_t> values, const Shape& shape, Backend* backend);
template <>
Tensor from_vector(const std::vector<bool>& values, const Shape& shape, Backend* backend);
// A one-dimensional tensor, [values.size()].
template <Element T>
Tensor from_vector(const std::vector<T>& values) {
  return from_vector(values, Shape{static_cast<std::int64_t>(values.size())});
}

// x with another dtype or on another backend, outside the graph (cast() in autograd/ops.h stays in
// it). Shares x's memory if nothing changes.
//
//   to(x, {.dtype = DType::f64})                // on x's backend
//   to(x, {.backend = &backend("reference")})   // with x's dtype
Tensor to(const Tensor& x, TensorOptions options);

// "f32 [2, 3] on cpu", for messages.
std::string describe(const Tensor& x);
// The values in nested brackets; long axes are shortened in the middle.
std::string to_string(const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace gradus
