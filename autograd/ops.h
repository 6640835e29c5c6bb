// The differentiable operations: everything that computes a tensor from tensors. Each takes tensors
// of one dtype on one backend and returns a new one; shapes broadcast as in NumPy. To follow one of
// them, read its line here, its definition (forward beside gradient) in the .cpp that its section
// names, and its loop in backends/reference/.
//
//   Tensor y = relu(matmul(x, w) + b);          // x [n, in], w [in, out], b [out]
//   Tensor p = softmax(y);                      // over the last axis
//   Tensor m = mean(y, {0}, /*keep=*/true);     // [1, out]
//
// Unless said otherwise an op throws ShapeError, DTypeError, IndexError or BackendError
// (tensor/error.h) with both shapes and the rule that broke.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

// One side of a binary operation: a tensor, or a number that takes the other side's dtype and
// backend.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(tensor) {}  // NOLINT: conversions are the point
  Operand(double number) : number_(number) {}         // NOLINT
  // The tensor, or the number as a scalar like `other`; of two numbers, an f32 one on `backend`.
  Tensor beside(const Operand& other, Backend* backend = nullptr) const;

 private:
  Tensor tensor_;
  std::optional<double> number_;
};

// A list of axes to reduce over; negative ones count from the end; none means all.
struct Axes {
  Axes() = default;
  Axes(int axis) : list{axis} {}                          // NOLINT: conversions are the point
  Axes(std::initializer_list<int> axes) : list(axes) {}   // NOLINT
  Axes(std::vector<int> axes) : list(std::move(axes)) {}  // NOLINT
  // sum(x, true) would be sum(x, 1), not sum(x, {}, true); max(x, 0.5) max(x, 0), not maximum(x, 0.5).
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
Tensor maximum(const Operand& a, const Operand& b);  // at ties each side gets half the gradient
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
// -1, 0 or 1; the gradient is zero (rounding.cpp).
Tensor sign(const Tensor& x);
// The next whole number below, above, or the nearest, halves going to the even one; the gradient is
// zero, too.
Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);
// x held within [low, high]; the gradient passes where x was inside or at the edge.
Tensor clamp(const Tensor& x, double low, double high);
// cond ? a : b; cond is boolean. Of two numbers f32.
Tensor where(const Tensor& cond, const Operand& a, const Operand& b);
// x with `value` where the mask, which broadcasts to x, is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);
// Of the matrices in the last two axes what lies on and below (tril) or above (triu) a diagonal, 0
// elsewhere: diagonal 1 is the one above the main one, -1 the one below.
Tensor tril(const Tensor& x, std::int64_t diagonal = 0);
Tensor triu(const Tensor& x, std::int64_t diagonal = 0);

// Composed of the above (activations.cpp), exact where the plain formula would cancel or overflow.
Tensor expm1(const Tensor& x);                            // e^x - 1
Tensor log1p(const Tensor& x);                            // log(1 + x)
Tensor softplus(const Tensor& x);                         // log(1 + e^x)
Tensor silu(const Tensor& x);                             // x * sigmoid(x)
Tensor elu(const Tensor& x, double alpha = 1);            // x above 0, alpha (e^x - 1) below
Tensor leaky_relu(const Tensor& x, double slope = 0.01);  // x above 0, slope x below

// Comparisons give boolean tensors and no gradient.
Tensor operator==(const Operand& a, const Operand& b);
Tensor operator!=(const Operand& a, const Operand& b);
Tensor operator<(const Operand& a, const Operand& b);
Tensor operator<=(const Operand& a, const Operand& b);
Tensor operator>(const Operand& a, const Operand& b);
Tensor operator>=(const Operand& a, const Operand& b);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
// The same three as operators (logic.cpp); both sides are always computed.
Tensor operator&&(const Tensor& a, const Tensor& b);
Tensor operator||(const Tensor& a, const Tensor& b);
Tensor operator!(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor isfinite(const Tensor& x);  // neither infinite nor NaN
// Whether |a - b| <= atol + rtol |b| everywhere, equal infinities being close and NaN close to nothing.
// Throws ShapeError for two shapes.
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8);

// Another dtype. The gradient passes between f32 and f64.
Tensor cast(const Tensor& x, DType dtype);

// ---- Reductions (reductions.cpp). keep = true leaves reduced axes with size 1. ----
// Of i32 and boolean, sum, max and min are exact, in i32, and mean is f32, without gradients.

// Throws DTypeError for a sum that does not fit i32.
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false);
// At ties the gradient is shared evenly. Throws ShapeError for an empty reduction.
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The index (i32) of the first largest (argmin: least) element along one axis.
Tensor argmax(const Tensor& x, int axis = -1, bool keep = false);
Tensor argmin(const Tensor& x, int axis = -1, bool keep = false);
// The product; its gradient is right where factors are 0, too. 1 of no elements.
Tensor prod(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The Euclidean norm, sqrt(sum(x^2)). Where it is 0 the gradient is 0.
Tensor norm(const Tensor& x, const Axes& axes = {}, bool keep = false);
// log(sum(exp(x))) without overflow; -inf where every x is -inf, and of no elements.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, bool keep = false);
// The sum of squared distances from the mean, divided by n - correction (1: the unbiased estimate).
// Throws ShapeError, and so does stddev, where that is not above 0, as of one number.
Tensor var(const Tensor& x, const Axes& axes = {}, bool keep = false, int correction = 1);
// Its root, the standard deviation: PyTorch's std, a name that C++ has taken.
Tensor stddev(const Tensor& x, const Axes& axes = {}, bool keep = false, int correction = 1);
// Whether some or all of a boolean x is true (logic.cpp); of no elements none is, and all are.
Tensor any(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor all(const Tensor& x, const Axes& axes = {}, bool keep = false);
// y_i = x_0 + ... + x_i along an axis.
Tensor cumsum(const Tensor& x, int axis);
// Undoes a broadcast: sums x over the axes in which it is larger than `shape`.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- Views (views.cpp): no data moves unless said. ----

// The same elements in row-major order; one size may be -1 (whatever fits). Copies where it must.
Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> shape);
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor flatten(const Tensor& x, int first = 0, int last = -1);  // axes first..last become one
Tensor permute(const Tensor& x, const std::vector<int>& axes);
Tensor transpose(const Tensor& x, int a = -2, int b = -1);
// Elements start, start + step, ... below stop along an axis; negative start and stop count from
// the end, and both are held within the axis, as in Python.
Tensor slice(const Tensor& x, int axis, std::int64_t start,
             std::optional<std::int64_t> stop = std::nullopt, std::int64_t step = 1);
Tensor select(const Tensor& x, int axis, std::int64_t index);  // one slice, its axis taken out
// Broadcast to a shape, in which -1 stands for the size that x has there.
Tensor expand(const Tensor& x, std::initializer_list<std::int64_t> shape);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor squeeze(const Tensor& x, int axis);                     // takes out an axis of size 1
Tensor unsqueeze(const Tensor& x, int axis);                   // puts one in
Tensor concat(const std::vector<Tensor>& parts, int axis);     // copies
Tensor stack(const std::vector<Tensor>& parts, int axis = 0);  // copies, along a new axis
// Zeros around an axis. Copies.
Tensor pad(const Tensor& x, int axis, std::int64_t before, std::int64_t after);
// Windows of `size` elements, `step` apart, along an axis: [.., n, ..] gives [.., windows, ..,
// size].
Tensor unfold(const Tensor& x, int axis, std::int64_t size, std::int64_t step);
// Without gaps in memory. Copies where it must.
Tensor contiguous(const Tensor& x);
// The same values in memory of their own: of a parameter as it is now, whatever optimizers then write.
Tensor clone(const Tensor& x);
// Pieces of `size` elements along an axis, the last one shorter if they do not come out even; or of
// the sizes given, which add up to the whole.
std::vector<Tensor> split(const Tensor& x, std::int64_t size, int axis = 0);
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis = 0);
// At most `count` pieces of one size, the last one shorter if they do not come out even.
std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int axis = 0);
// The order of elements turned around along the axes (none: all). Copies (indexing.cpp).
Tensor flip(const Tensor& x, const Axes& axes);

// ---- Products (matmul.cpp) ----

// a [..., m, k] times b [..., k, n] is [..., m, n]; leading axes broadcast.
Tensor matmul(const Tensor& a, const Tensor& b);
// x [..., in], weight [out, in], bias [out] or undefined: f(x weight^T + bias), [..., out]. f is an
// activation - relu, gelu, tanh, sigmoid - or copy, which is none.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              UnaryOp f = UnaryOp::copy);
// Einstein's summation (einsum.cpp): letters name axes, and what the result does not name is summed.
//   einsum("bij,bjk->bik", {a, b})      products of matrices in a batch
//   einsum("i,j", {a, b})               outer product; without ->, letters named once, in order
//   einsum("...ii->...", {a})           traces; ... are any number of axes, which broadcast
Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands);
// ||a_i - b_j||^2 for a [..., m, d] and b [..., n, d]: [..., m, n]. By one product, so exact to the
// rounding of the largest ||b_j - mean(b)||^2 or ||a_i - mean(b)||^2.
Tensor squared_distance(const Tensor& a, const Tensor& b);

// ---- Rows of tables (rows.cpp). Rows are i32; -1 is no row: zeros out, no gradient. ----

// table [n, ...], rows of any shape: [rows..., ...]. The table's gradient is row-sparse.
Tensor gather(const Tensor& table, const Tensor& rows);
// A table of `size` rows of zeros, src[i] added to row rows[i]. src [rows..., ...].
Tensor scatter_add(const Tensor& src, const Tensor& rows, std::int64_t size);
// Of each row i of x [n, classes] the element columns[i]: [n].
Tensor pick(const Tensor& x, const Tensor& columns);
// table with row rows[i] replaced by src[i], src [rows..., ...]; of a row named twice the last stands.
Tensor index_put(const Tensor& table, const Tensor& rows, const Tensor& src);
// indices of any shape: [indices..., classes] with 1 at each index, f32 unless asked.
Tensor one_hot(const Tensor& indices, std::int64_t classes, DType dtype = DType::f32);

// ---- Along an axis (indexing.cpp). Indices are i32 in [0, x's size). ----

// Slices indices[0], indices[1], ... of x; indices [n].
Tensor index_select(const Tensor& x, int axis, const Tensor& indices);
// y[.., j, ..] = x[.., indices[.., j, ..], ..]; indices have x's shape but along the axis.
Tensor take_along_dim(const Tensor& x, const Tensor& indices, int axis);
// The reverse: x with src[.., j, ..] in place of element indices[.., j, ..] along the axis; src has the
// shape of indices.
Tensor scatter(const Tensor& x, int axis, const Tensor& indices, const Tensor& src);
struct Sorted {
  Tensor values;
  Tensor indices;  // i32: where in x each value stood
};
// Equal elements keep their order; NaN counts as larger than any number. The gradient goes to where
// the values stood.
Sorted sort(const Tensor& x, int axis = -1, bool descending = false);
// The k largest (or smallest), best first. Throws ShapeError for more than there are.
Sorted topk(const Tensor& x, std::int64_t k, int axis = -1, bool largest = true);

// ---- Normalisation (normalization.cpp, batch_norm.cpp) ----

// e^x / sum(e^x) along an axis. Where every x is -inf (all masked): zeros.
Tensor softmax(const Tensor& x, int axis = -1);
// log(softmax(x)), without overflow.
Tensor log_softmax(const Tensor& x, int axis = -1);
// x [n, classes], labels i32 [n]: -log(softmax(x))[label] of each row, [n]; finite for x of any
// size. Throws IndexError for a label outside [0, classes). nn::cross_entropy is its mean.
Tensor softmax_cross_entropy(const Tensor& x, const Tensor& labels);
// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis; weight and bias [dim],
// or undefined. Ba, Kiros and Hinton, "Layer normalization", 2016.
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                  double epsilon = 1e-5);
// (x - mean) / sqrt(variance + epsilon) * weight + bias for each channel, axis 1 of x [batch, channels,
// ...]; mean, variance, weight and bias [channels], the last two or undefined. Ioffe and Szegedy,
// "Batch normalization", ICML 2015. nn::BatchNorm1d and 2d know the means.
Tensor batch_norm(const Tensor& x, const Tensor& mean, const Tensor& variance,
                  const Tensor& weight = {}, const Tensor& bias = {}, double epsilon = 1e-5);
// The same with the mean and the variance (divided by n) of x's own channels, as in training; they
// are results too, detached. Throws ShapeError for channels of fewer than two numbers.
struct BatchNormed {
  Tensor y, mean, variance;
};
BatchNormed batch_norm_training(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                                double epsilon = 1e-5);
// Each element is zeroed with probability p, the others divided by 1 - p; x itself unless
// `training`. Srivastava et al., "Dropout", JMLR 2014. Takes the next random stream
// (tensor/random.h).
Tensor dropout(const Tensor& x, double p, bool training = true);

// ---- Windows along time (convolution.cpp, pooling.cpp) ----

struct ConvOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // zeros at both ends
};
// x [batch, in, time], weight [out, in, size], bias [out] or undefined: [batch, out, windows],
// where windows = (time + 2 padding - size) / stride + 1.
Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
// x [..., time]: [..., windows] of `size` elements; stride 0 means size.
Tensor max_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride = 0);
Tensor avg_pool1d(const Tensor& x, std::int64_t size, std::int64_t stride = 0);

// ---- Windows over images (convolution.cpp, pooling.cpp) ----

struct Conv2dOptions {
  Size2d stride = 1;
  Size2d padding = 0;  // zeros at all four sides
};
// x [batch, in, height, width], weight [out, in, rows, columns], bias [out] or undefined:
// [batch, out, windows down, windows across], counted as by conv1d.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});
// x [..., height, width]: [..., windows down, windows across]; stride 0 means size.
Tensor max_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride = 0);
Tensor avg_pool2d(const Tensor& x, const Size2d& size, const Size2d& stride = 0);

}  // namespace gradus
