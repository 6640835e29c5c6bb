// The differentiable operations. Each takes tensors of one dtype on one backend and returns a new
// tensor; shapes broadcast as in NumPy.
//
//   Tensor y = relu(matmul(x, w) + b);          // x [n, in], w [in, out], b [out]
//   Tensor p = softmax(y);                      // over the last axis
//   Tensor m = mean(y, {0}, /*keep=*/true);     // [1, out]
//
// Arguments that do not fit throw ShapeError, DTypeError, IndexError or BackendError
// (tensor/error.h), with both shapes and the rule that they break.
//
// To follow an operation, read its line here, its definition (forward beside gradient) in the .cpp
// that its section names, and its loop in backends/reference/.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// One side of a binary operation: a tensor, or a number with the other side's dtype and backend.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(tensor) {}  // NOLINT: conversions are the point
  Operand(double number) : number_(number) {}         // NOLINT
  // The tensor, or the number as a scalar tensor with other's dtype and backend; if both are
  // numbers, f32 on `backend`.
  Tensor beside(const Operand& other, Backend* backend = nullptr) const;

 private:
  Tensor tensor_;
  std::optional<double> number_;
};

// The axes to reduce over. Negative axes count from the end; an empty list means all axes.
struct Axes {
  Axes() = default;
  Axes(int axis) : list{axis} {}                          // NOLINT: conversions are the point
  Axes(std::initializer_list<int> axes) : list(axes) {}   // NOLINT
  Axes(std::vector<int> axes) : list(std::move(axes)) {}  // NOLINT
  // Otherwise sum(x, true) would be sum(x, 1) instead of sum(x, {}, true), and max(x, 0.5) would be
  // max(x, 0) instead of maximum(x, 0.5).
  template <std::floating_point T>
  Axes(T) = delete;
  template <std::same_as<bool> T>
  Axes(T) = delete;
  std::vector<int> list;
};

// ---- Elementwise (elementwise.cpp) ----

Tensor operator+(const Operand& a, const Operand& b);
Tensor operator-(const Operand& a, const Operand& b);
Tensor operator*(const Operand& a, const Operand& b);
Tensor operator/(const Operand& a, const Operand& b);
Tensor operator-(const Tensor& x);
Tensor& operator+=(Tensor& x, const Operand& y);  // rebinds x to a new tensor
Tensor& operator-=(Tensor& x, const Operand& y);
Tensor& operator*=(Tensor& x, const Operand& y);
Tensor& operator/=(Tensor& x, const Operand& y);
Tensor pow(const Operand& base, const Operand& exponent);
Tensor maximum(const Operand& a, const Operand& b);  // ties split the gradient evenly
Tensor minimum(const Operand& a, const Operand& b);

Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor gelu(const Tensor& x);  // exact: x * (1 + erf(x / sqrt 2)) / 2
Tensor erf(const Tensor& x);
Tensor square(const Tensor& x);
// Step functions (rounding.cpp). Their gradient is zero.
Tensor sign(const Tensor& x);  // -1, 0 or 1
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);  // halves go to the even neighbour
// x limited to [low, high]. The gradient passes where low <= x <= high.
Tensor clamp(const Tensor& x, double low, double high);
// cond ? a : b, elementwise; cond is boolean. If a and b are both numbers, f32.
Tensor where(const Tensor& cond, const Operand& a, const Operand& b);
// x with `value` where the boolean mask, which broadcasts to x, is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);
// The lower (tril) or upper (triu) triangles of the matrices in the last two axes, 0 elsewhere. The
// diagonal is included: 0 is the main one, 1 the one above it, -1 the one below.
Tensor tril(const Tensor& x, std::int64_t diagonal = 0);
Tensor triu(const Tensor& x, std::int64_t diagonal = 0);

// Made of the above (activations.cpp); accurate where the plain formula would cancel or overflow.
Tensor expm1(const Tensor& x);                            // e^x - 1
Tensor log1p(const Tensor& x);                            // log(1 + x)
Tensor softplus(const Tensor& x);                         // log(1 + e^x)
Tensor silu(const Tensor& x);                             // x * sigmoid(x)
Tensor elu(const Tensor& x, double alpha = 1);            // x above 0, alpha (e^x - 1) below
Tensor leaky_relu(const Tensor& x, double slope = 0.01);  // x above 0, slope x below

// Comparisons return boolean tensors and have no gradient.
Tensor operator==(const Operand& a, const Operand& b);
Tensor operator!=(const Operand& a, const Operand& b);
Tensor operator<(const Operand& a, const Operand& b);
Tensor operator<=(const Operand& a, const Operand& b);
Tensor operator>(const Operand& a, const Operand& b);
Tensor operator>=(const Operand& a, const Operand& b);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
// The same three as operators (logic.cpp). They do not short-circuit: both sides are evaluated.
Tensor operator&&(const Tensor& a, const Tensor& b);
Tensor operator||(const Tensor& a, const Tensor& b);
Tensor operator!(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor isfinite(const Tensor& x);  // neither infinite nor NaN
// Whether |a - b| <= atol + rtol |b| everywhere. Equal infinities are close; NaN is close to
// nothing. Throws ShapeError if the shapes differ.
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8);

// x with another dtype. Gradients pass between f32 and f64.
Tensor cast(const Tensor& x, DType dtype);

// ---- Reductions (reductions.cpp). keep = true leaves reduced axes with size 1. ----
// For i32 and boolean x, sum, max and min are exact i32 and mean is f32, all without gradients.

// Throws DTypeError if an i32 or boolean x sums to more than fits i32.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false);
// Ties share the gradient evenly. Throw ShapeError for an empty reduction.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The index (i32) of the first largest (argmin: smallest) element along one axis.
Tensor argmax(const Tensor& x, int axis = -1, bool keep = false);
Tensor argmin(const Tensor& x, int axis = -1, bool keep = false);
// The product, 1 for no elements. Its gradient is right where factors are 0, too.
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The Euclidean norm, sqrt(sum(x^2)). Where it is 0 the gradient is 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keep = false);
// log(sum(exp(x))) without overflow; -inf if every x is -inf or there are no elements.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The variance: squared distances from the mean, summed and divided by n - correction (1 gives the
// unbiased estimate). Both throw ShapeError unless n > correction.
Tensor var(const Tensor& x, const Axes& axes = {}, bool keep = false, int correction = 1);
// The standard deviation, sqrt(var). PyTorch calls it std, which is a namespace in C++.
Tensor stddev(const Tensor& x, const Axes& axes = {}, bool keep = false, int correction = 1);
// Whether any or all elements of a boolean x are true (logic.cpp). For no elements: any is false,
// all is true.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The running sum along an axis: y_i = x_0 + ... + x_i.
Tensor cumsum(const Tensor& x, int axis);
// Undoes a broadcast: sums x over the axes in which it is larger than `shape`.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- Views (views.cpp). They share x's memory unless stated otherwise. ----

// The same elements in row-major order under another shape. One size may be -1: it is inferred.
// Copies only if the strides require it.
Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> shape);
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor flatten(const Tensor& x, int first = 0, int last = -1);  // axes first..last become one
Tensor permute(const Tensor& x, const std::vector<int>& axes);
Tensor transpose(const Tensor& x, int a = -2, int b = -1);
// Elements start, start + step, ... below stop along an axis. As in Python, negative start and stop
// count from the end, and both are clamped to the axis.
Tensor slice(const Tensor& x, int axis, std::int64_t start,
             std::optional<std::int64_t> stop = std::nullopt, std::int64_t step = 1);
Tensor select(const Tensor& x, int axis, std::int64_t index);  // one slice, without its axis
// Broadcasts x to a shape. A size of -1 keeps x's size.
Tensor expand(const Tensor& x, std::initializer_list<std::int64_t> shape);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor squeeze(const Tensor& x, int axis);                     // removes an axis of size 1
Tensor unsqueeze(const Tensor& x, int axis);                   // inserts one
Tensor concat(const std::vector<Tensor>& parts, int axis);     // copies
Tensor stack(const std::vector<Tensor>& parts, int axis = 0);  // copies, along a new axis
// Adds `before` and `after` zeros at the ends of an axis. Copies.
Tensor pad(const Tensor& x, int axis, std::int64_t before, std::int64_t after);
// Windows of `size` elements, `step` apart, along an axis: [.., n, ..] -> [.., windows, .., size].
Tensor unfold(const Tensor& x, int axis, std::int64_t size, std::int64_t step);
// x in row-major order without gaps in memory. Copies only if it is not.
Tensor contiguous(const Tensor& x);
// A copy in memory of its own, which later writes to x (by an optimizer, say) do not change.
Tensor clone(const Tensor& x);
// Cuts an axis into pieces of `size` elements, the last possibly shorter; or into pieces of the
// given sizes, which must add up to the whole.
std::vector<Tensor> split(const Tensor& x, std::int64_t size, int axis = 0);
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis = 0);
// Cuts an axis into at most `count` pieces of equal size, the last possibly shorter.
std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int axis = 0);
// x with the elements in reverse order along the axes (none: all). Copies (indexing.cpp).
Tensor flip(const Tensor& x, const Axes& axes);

// ---- Products (matmul.cpp) ----

// a [..., m, k] times b [..., k, n] is [..., m, n]; leading axes broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);
// f(x weight^T + bias): x [..., in], weight [out, in], bias [out] or undefined -> [..., out]. The
// activation f is relu, gelu, tanh, sigmoid, or copy for none.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              UnaryOp f = UnaryOp::copy);
// Einstein summation (einsum.cpp): letters name axes; axes missing in the result are summed.
//   einsum("bij,bjk->bik", {a, b})      batched matrix product
//   einsum("i,j", {a, b})               outer product; without ->: the letters named once, a to z
//   einsum("...ii->...", {a})           traces; ... are any number of axes, which broadcast
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);
// ||a_i - b_j||^2 for a [..., m, d] and b [..., n, d]: [..., m, n]. Computed with one matrix
// product, so the error is that of rounding the largest ||b_j - mean(b)||^2 or ||a_i - mean(b)||^2.
Tensor squared_distance(const Tensor& a, const Tensor& b);

// ---- Rows of tables (rows.cpp). Rows are i32; -1 means no row: zeros, and no gradient. ----

// Rows of a table: table [n, ...], rows of any shape -> [rows..., ...]. The gradient is row-sparse.
Tensor gather(const Tensor& table, const Tensor& rows);
// A table of `size` zero rows with src[i] added to row rows[i]; src is [rows..., ...].
Tensor scatter_add(const Tensor& src, const Tensor& rows, std::int64_t size);
// Element columns[i] of each row i of x [n, classes]: [n].
Tensor pick(const Tensor& x, const Tensor& columns);
// The table with row rows[i] replaced by src[i]; src is [rows..., ...]. If a row occurs twice, the
// last one wins.
Tensor index_put(const Tensor& table, const Tensor& rows, const Tensor& src);
// 1 at each index, 0 elsewhere: indices of any shape -> [indices..., classes].
Tensor one_hot(const Tensor& indices, std::int64_t classes, DType dtype = DType::f32);

// ---- Along an axis (indexing.cpp). Indices are i32 in [0, x's size). ----

// Slices indices[0], indices[1], ... of x along the axis; indices [n].
Tensor index_select(const Tensor& x, int axis, const Tensor& indices);
// y[.., j, ..] = x[.., indices[.., j, ..], ..]. indices have x's shape except along the axis.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, int axis);
// The reverse: x with element indices[.., j, ..] along the axis replaced by src[.., j, ..]; src has
// the shape of indices.
Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& src);
struct Sorted {
  Tensor values;
  Tensor indices;  // i32: where in x each value was
};
// Sorts along an axis. Equal elements keep their order; NaN counts as larger than any number.
Sorted sort(const Tensor& x, int axis = -1, bool descending = false);
// The k largest (or smallest) elements, best first. Throws ShapeError if there are fewer.
Sorted topk(const Tensor& x, std::int64_t k, int axis = -1, bool largest = true);

// ---- Normalisation (normalization.cpp, batch_norm.cpp) ----

// e^x / sum(e^x) along an axis. Zeros where every x is -inf (all masked).
Tensor softmax(const Tensor& x, int axis = -1);
// log(softmax(x)), without overflow.
Tensor log_softmax(const Tensor& x, int axis = -1);
// -log(softmax(x))[label] of each row: x [n, classes], labels i32 [n] -> [n]. Does not overflow.
// Throws IndexError for a label outside [0, classes). nn::cross_entropy is its mean.
Tensor softmax_cross_entropy(const Tensor& x, const Tensor& labels);
// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis; weight and bias are
// [dim] or undefined. Ba, Kiros and Hinton, "Layer normalization", 2016.
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                  double epsilon = 1e-5);
// (x - mean) / sqrt(variance + epsilon) * weight + bias for each channel, axis 1 of x [batch,
// channels, ...]. All four are [channels]; weight and bias may be undefined. Ioffe and Szegedy,
// "Batch normalization", ICML 2015. nn::BatchNorm1d and nn::BatchNorm2d keep running statistics.
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance,
                  const Tensor& weight = {}, const Tensor& bias = {}, double epsilon = 1e-5);
// The same with the mean and variance (divided by n) of x itself, as in training; both are
// returned, detached. Throws ShapeError if a channel has fewer than two elements.
struct BatchNormed {
  Tensor y, mean, variance;
};
BatchNormed batch_norm_training(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                                double epsilon = 1e-5);
// Zeroes each element with probability p and divides the others by 1 - p; returns x unless
// `training`. Takes the next random stream (tensor/random.h). Srivastava et al., JMLR 2014.
Tensor dropout(const Tensor& x, double p, bool training = true);

// ---- Windows along time (convolution.cpp, pooling.cpp) ----

struct Conv1dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // zeros at both ends
};
// x [batch, in, time], weight [out, in, size], bias [out] or undefined -> [batch, out, windows],
// with windows = (time + 2 padding - size) / stride + 1, rounded down.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv1dOptions& options = {});
// The maximum or mean of each window of `size` elements: x [..., time] -> [..., windows]. Stride 0
// means size.
Tensor max_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride = 0);
Tensor avg_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride = 0);

// ---- Windows over images (convolution.cpp, pooling.cpp) ----

struct Conv2dOptions {
  Size2d stride = 1;
  Size2d padding = 0;  // zeros at all four sides
};
// x [batch, in, height, width], weight [out, in, rows, columns], bias [out] or undefined ->
// [batch, out, windows down, windows across], counted as in conv1d.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});
// The maximum or mean of each window: x [..., height, width] -> [..., windows down, windows
// across]. Stride 0 means size.
Tensor max_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride = 0);
Tensor avg_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride = 0);

}  // namespace gradus
