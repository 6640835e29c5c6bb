// A tensor: an n-dimensional array of numbers, and the handle that everything else passes around.
//
//   Tensor a = tensor({{1, 2, 3}, {4, 5, 6}});       // [2, 3], f32
//   Tensor b = zeros({3}, {.dtype = DType::f64});
//   a.shape()            // [2, 3]
//   a.to_vector<float>() // {1, 2, 3, 4, 5, 6}
//   std::cout << a;      // [[1, 2, 3],
//                        //  [4, 5, 6]]
//
// A Tensor is cheap to copy: {buffer, layout, dtype, backend, graph node}. Copies share memory.
// Values never change behind your back: operations (autograd/ops.h) return new tensors, `x += y`
// rebinds the handle, and only `assign`, which optimizers and loaders use, writes into memory.
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
  Tensor() = default;  // no tensor at all: defined() is false
  Tensor(std::shared_ptr<Buffer> buffer, const Layout& layout, DType dtype, Backend& backend);
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) = default;
  // Only of what has a name: x[0] = y or p.grad() = g would bind a handle that is gone at once.
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
  // dtype and backend, for a tensor like this one: zeros({3}, x.options()).
  TensorOptions options() const;
  // select(x, 0, i) (autograd/ops.h): of a matrix row i; of a vector a scalar.
  Tensor operator[](std::int64_t i) const;
  View view() const { return {buffer_.get(), dtype_, layout_}; }

  // All elements in row-major order, cast to T (float, double, std::int32_t, std::int64_t or bool).
  // Throws DTypeError for a number that does not fit a T that is whole.
  template <Element T>
  std::vector<T> to_vector() const;
  // The value of the only element. Throws ShapeError if there is not exactly one.
  double item() const;

  // ---- Differentiation (defined in autograd/engine.cpp; see autograd/autograd.h) ----

  // Whether operations on this tensor are recorded.
  bool requires_grad() const;
  // Makes this a leaf whose gradient backward() will fill in; with `false` a leaf is frozen and loses its
  // gradient. All copies of a leaf, an optimizer's too, are one leaf. Throws DTypeError unless f32 or
  // f64, GradError if the tensor was computed from others that require gradients.
  Tensor& set_requires_grad(bool on = true);
  // What backward() has added up so far, dense; undefined before the first.
  Tensor grad() const;
  // The same as it was accumulated: dense or row-sparse (autograd/gradient.h).
  const Gradient& gradient() const;
  void set_gradient(Gradient gradient);
  void zero_grad();
  // d(this)/d(leaf) added to every leaf's grad(); this must be a scalar (one element).
  void backward() const;
  // The same memory, outside the graph; clone() (autograd/ops.h) keeps the values from later writes.
  Tensor detach() const;

  // Writes `values` (same shape; cast, moved between backends if need be) into this tensor's
  // memory, where every handle to it sees them; so does a graph that is still to be walked back, whose
  // pullbacks keep what they need: assign between backward() and the next forward pass. Throws
  // GradError for a computed tensor, ShapeError for an expanded one, whose elements share memory.
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

// What is not named is f32 on default_backend(), or with to() what it was.
struct TensorOptions {
  std::optional<DType> dtype = {};
  Backend* backend = nullptr;
};

// A number, or a list of these in braces.
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

// Uninitialised.
Tensor empty(const Shape& shape, TensorOptions options = {});
Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
// 0, 1, ..., count - 1.
Tensor arange(std::int64_t count, TensorOptions options = {});
// begin, begin + step, ... below end, or above it where the step is negative (makers.cpp).
Tensor arange(double begin, double end, double step = 1, TensorOptions options = {});
// `count` numbers evenly spaced from begin to end, both of them included.
Tensor linspace(double begin, double end, std::int64_t count, TensorOptions options = {});
// Of x's shape, dtype and backend.
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
// The identity matrix [size, size].
Tensor eye(std::int64_t size, TensorOptions options = {});
// From values written out: tensor(3.5), tensor({1, 2}), tensor({{1, 2}, {3, 4}}), and deeper.
// Throws ShapeError if lists side by side differ in shape.
Tensor tensor(const NestedValues& values, TensorOptions options = {});
// From memory in row-major order; the dtype is that of T (float, double, std::int32_t or bool), i32 for
// std::int64_t. Throws ShapeError unless there are shape.numel() values, DTypeError for one that does
// not fit i32.
template <Element T>
Tensor from_span(std::span<const T> values, const Shape& shape, Backend* backend = nullptr);
template <Element T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape, Backend* backend = nullptr) {
  return from_span(std::span<const T>(values), shape, backend);
}
// elements.cpp
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
// As a vector: of the shape [values.size()].
template <Element T>
Tensor from_vector(const std::vector<T>& values) {
  return from_vector(values, Shape{static_cast<std::int64_t>(values.size())});
}

// x outside the graph, with another dtype or on another backend. Shares memory where nothing changes.
//
//   to(x, {.dtype = DType::f64})                // where x is
//   to(x, {.backend = &backend("reference")})   // of x's dtype
Tensor to(const Tensor& x, TensorOptions options);

// "f32 [2, 3] on cpu", for messages.
std::string describe(const Tensor& x);
// Values in nested brackets; the middle of long axes is left out.
std::string to_string(const Tensor& x);
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace gradus
