// The interface between Gradus and the machine. A backend owns memory and runs kernels on views of
// it; it knows nothing of Tensor, autograd or modules. To add one, derive from Backend, implement
// the required methods, and register it:
//
//   register_backend("mine", [] { return std::make_unique<MyBackend>(); });
//   set_default_backend("mine");              // or GRADUS_BACKEND=mine in the environment
//
// There is one method for each shape of computation, with the operation passed as an enum. A scalar
// is a view with strides 0. The caller checks shapes and dtypes, so a backend need not. About
// views it may rely on this:
//   - inputs may be strided or broadcast (stride 0); only copy gets negative strides;
//   - `out` is contiguous unless a method says otherwise, and never overlaps an input;
//   - any view may be empty.
// backends/reference/ implements only the required methods, as plainly as possible: it is the
// specification. tests/conformance.h checks any backend against it.
//
// Fused kernels are offers: a method that returns bool may return false (the default) for "no
// kernel for this case". The caller then runs the definition, made of required methods.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/layout.h"

namespace gradus {

// Memory of one backend. host() is its address if the CPU can access it, else null.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::byte* host() { return nullptr; }
  virtual std::size_t bytes() const = 0;
};

// What kernels see: memory, element type, and where the elements are (in elements, not bytes).
struct View {
  Buffer* buffer = nullptr;
  DType dtype = DType::f32;
  Layout layout;

  const Shape& shape() const { return layout.shape; }
};

// copy also casts (to boolean: x != 0; float to i32: toward zero) and may have a strided `out`.
// gelu(x) = x * (1 + erf(x / sqrt 2)) / 2. expm1(x) = e^x - 1 and log1p(x) = log(1 + x) are
// accurate near 0. round takes halves to the even neighbour. sign(0) = 0. logical_not maps boolean
// to boolean.
enum class UnaryOp {
  copy,
  neg,
  abs,
  sign,
  exp,
  log,
  sqrt,
  sin,
  cos,
  tanh,
  sigmoid,
  relu,
  gelu,
  erf,
  expm1,
  log1p,
  floor,
  ceil,
  round,
  logical_not
};
// Both inputs have the same dtype. div and pow take f32 and f64; the other arithmetic also takes
// i32. Comparisons return boolean; logical_and and logical_or take and return boolean.
// max and min return NaN if either side is NaN.
enum class BinaryOp {
  add,
  sub,
  mul,
  div,
  pow,
  max,
  min,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  logical_and,
  logical_or
};
// argmax returns i32, the first index of the largest. The sum of nothing is 0, its max is -inf.
enum class ReduceOp { sum, max, min, argmax };
enum class ScatterOp { add, assign };

const char* name_of(UnaryOp op);
const char* name_of(BinaryOp op);
const char* name_of(ReduceOp op);

// A step of Backend::map: an operation on one, two or three values. Input i is value i, the result of
// step s is value -1 - s.
struct MapStep {
  struct Select {};  // value 0 is boolean: true takes value 1, false value 2
  std::variant<UnaryOp, BinaryOp, Select> op;
  std::array<int, 3> values{};
  DType dtype = DType::f32;  // of the result
  View out = {};             // where the result is written; or none: it is for later steps only
};

// The inputs of Backend::attention. q, k and v are packed, [tokens, heads, dim] in segments, or
// dense, [batch, heads, time, dim]. Their last axis has stride 1, the others any strides.
struct AttentionInputs {
  View q, k, v;
  View key_bias = {};  // added to a key's scores: [tokens, heads] or [batch, heads, keys]; or none
  View offsets = {};   // packed: i32 [segments + 1], ascending from 0 to tokens; dense: none
  View mask = {};      // dense: boolean [batch, heads, queries, keys], true: may look; or none
  double scale = 1;
  bool causal = false;  // query i sees keys 0 .. i of its segment or batch item
  // The probability of dropping a weight, as in Backend::dropout. Each query has its own row of
  // random numbers in the stream, as long as the longest list of keys, rounded up to a multiple of
  // 4: row t * heads + h for packed query t and head h, row (b * heads + h) * queries + i for query
  // i of head h of batch item b.
  double dropout = 0;
  std::uint64_t seed = 0, stream = 0;
};
struct AttentionGradients {
  View dq, dk, dv;      // laid out like q, k and v, the last axis with stride 1
  View dkey_bias = {};  // if there is a key_bias
};

// One step of Adam or AdamW (optim/adam.h has the formulas and the papers).
struct AdamStep {
  double lr, beta1, beta2, epsilon;
  double l2 = 0;            // l2 * p is added to the gradient
  double shrink = 1;        // p is first multiplied by this
  double m_correction = 1;  // 1 - beta1^t
  double v_correction = 1;  // 1 - beta2^t
  // Multiplies the change of row i of p: [rows of p], contiguous, p's dtype; or none.
  View row_scale = {};
};

// A backend's use of memory. Bytes count whole blocks.
struct MemoryStats {
  std::size_t in_use = 0;
  std::size_t peak = 0;        // the most in use since reset_peak_memory()
  std::size_t cached = 0;      // freed and kept for the next request
  std::uint64_t requests = 0;  // calls of allocate()
  std::uint64_t fresh = 0;     // those of them that the cache could not serve
};

// -1 in a list of rows means no row: gather returns zeros for it, scatter skips it.
inline constexpr std::int32_t kNoRow = -1;

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  // Aligned to 64 bytes; contents undefined. Throws BackendError if it cannot be allocated.
  virtual std::shared_ptr<Buffer> allocate(std::size_t bytes) = 0;
  // Between host memory and a contiguous view.
  virtual void upload(const void* from, const View& out) = 0;
  virtual void download(const View& x, void* to) = 0;

  virtual void fill(const View& out, double value) = 0;
  virtual void unary(UnaryOp op, const View& x, const View& out) = 0;
  // a and b have already been broadcast to out's shape.
  virtual void binary(BinaryOp op, const View& a, const View& b, const View& out) = 0;
  // out = cond ? a : b, all of one shape; cond is boolean.
  virtual void select(const View& cond, const View& a, const View& b, const View& out) = 0;
  // out has x's rank and size 1 on the reduced axes; argmax reduces exactly one axis.
  virtual void reduce(ReduceOp op, const View& x, const View& out) = 0;
  // out [..., m, n] = a [..., m, k] * b [..., k, n], leading axes already broadcast; f32 or f64. As the
  // fused products below, it may round f32 to bf16 where matmul_precision() says so (tensor/precision.h).
  virtual void matmul(const View& a, const View& b, const View& out) = 0;
  // table [n, ...], rows any shape (i32 in [-1, n)), out [rows..., ...]: out[i] = table[rows[i]].
  // Throws IndexError naming the first row outside [-1, n).
  virtual void gather(const View& table, const View& rows, const View& out) = 0;
  // The reverse: table[rows[i]] += or = src[i], in order of i. src [rows..., ...].
  // Throws IndexError as gather does, before it writes anything.
  virtual void scatter(ScatterOp op, const View& rows, const View& src, const View& table) = 0;
  // Uses memory owned by something else (a mapped file) as a buffer, without a copy; null if the
  // backend cannot. The memory may be aligned only to its elements.
  virtual std::shared_ptr<Buffer> adopt(std::shared_ptr<std::byte> memory, std::size_t bytes);
  // What allocate() has handed out; zeros if the backend does not count.
  virtual MemoryStats memory() const { return {}; }
  virtual void reset_peak_memory() {}
  // Returns memory kept for later requests to the system.
  virtual void trim_memory() {}
  // From now on allocate() throws BackendError if more bytes than this would be in use.
  virtual void limit_memory(std::size_t) {}
  // Waits for queued work, if the backend queues any.
  virtual void synchronize() {}
  // A line for `gradus info`: kernels, libraries, targets.
  virtual std::string description() const { return std::string(name()); }

  // ---- Offers. All views are f32 or f64 and contiguous unless stated otherwise. ----

  // Elementwise operations, of which at least one has an `out`. All outs have one shape, to which the
  // inputs, of any types and strides, have already been broadcast. The same numbers as one operation
  // after the other, without writing to memory what lies between. An out may be one of the inputs
  // if no later step reads that input; else it overlaps none.
  virtual bool map(std::span<const MapStep> steps, std::span<const View> inputs);
  // Philox4x32-10 numbers (tensor/philox.h), uniform in [0, 1): element i of stream `stream`. In
  // i32, the numbers' 32 bits themselves.
  virtual bool uniform(std::uint64_t, std::uint64_t, const View&) { return false; }
  // mean + deviation * the normal numbers (tensor/box_muller.h) of that stream's pairs.
  virtual bool normal(std::uint64_t seed, std::uint64_t stream, double mean, double deviation,
                      const View& out);
  // y = x * keep / (1 - p), keep = uniform(seed, stream) >= p in f32. Also its own gradient: pass g
  // as x.
  virtual bool dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream,
                       const View& y);
  // Over the last axis. y = e^x / sum(e^x), or x - log(sum(e^x)). A row in which everything is -inf
  // (masked) gives zeros, or -inf; never NaN.
  virtual bool softmax(const View& x, const View& y);
  virtual bool log_softmax(const View& x, const View& y);
  // dx = y * (g - sum(g * y)), or g - e^y * sum(g).
  virtual bool softmax_gradient(const View& y, const View& g, const View& dx);
  virtual bool log_softmax_gradient(const View& y, const View& g, const View& dx);
  // x [rows, dim], weight and bias [dim]: y = (x - mean) * rstd * weight + bias. Also writes mean
  // and rstd [rows], for the gradient.
  virtual bool layer_norm(const View& x, const View& weight, const View& bias, double epsilon,
                          const View& y, const View& mean, const View& rstd);
  virtual bool layer_norm_gradient(const View& x, const View& weight, const View& mean,
                                   const View& rstd, const View& g, const View& dx,
                                   const View& dweight, const View& dbias);
  // y = softmax(scale * q k^T + key_bias) v, for each head, within each segment or batch item
  // (AttentionInputs). A query that sees no key gets zeros. Also writes log_sum, [tokens, heads] or
  // [batch, heads, queries], for the gradient: the log of each query's sum of exponentials. y is
  // laid out like q but with v's last axis, which has stride 1.
  virtual bool attention(const AttentionInputs& in, const View& y, const View& log_sum);
  virtual bool attention_gradient(const AttentionInputs& in, const View& y, const View& log_sum,
                                  const View& g, const AttentionGradients& out);
  // dx = g * f'(x). `known` is y = f(x) for relu, tanh and sigmoid, whose derivative follows from
  // y, and x for the others. Both may have any strides.
  virtual bool unary_gradient(UnaryOp op, const View& known, const View& g, const View& dx);
  // out [..., m, n] = a.a + b.b - 2 a.b for the rows of a [..., m, d] and b [..., n, d], which have
  // the same leading axes and any strides. Results that rounding makes negative become 0.
  virtual bool squared_distance(const View& a, const View& b, const View& out);
  // y [rows, out] = f(x weight^T + bias): x [rows, in] and weight [out, in] with any strides, bias
  // [out] or none; f is copy (no activation), relu, tanh or sigmoid, whose slopes y tells.
  virtual bool linear(const View& x, const View& weight, const View& bias, UnaryOp f,
                      const View& y);
  // With ds = g * f'(y): dx = ds weight, dweight = ds^T x, dbias = the column sums of ds. Gradients
  // whose view has a null buffer are not computed.
  virtual bool linear_gradient(const View& x, const View& weight, UnaryOp f, const View& y,
                               const View& g, const View& dx, const View& dweight,
                               const View& dbias);
  // loss [n] = -log(softmax(x)[label]) for each row of x [n, classes]; labels i32 [n]. The gradient
  // is dx = g * (softmax(x) - one_hot(label)). Throws IndexError for a label outside [0, classes).
  virtual bool softmax_cross_entropy(const View& x, const View& labels, const View& loss);
  virtual bool softmax_cross_entropy_gradient(const View& x, const View& labels, const View& g,
                                              const View& dx);
  // y [batch, out, down, across] = the products of weight [out, in, rows, columns] with the windows
  // of x [batch, in, height, width], `stride` apart, with `padding` zeros around x, plus bias [out]
  // or none. Inputs may have any strides. Gradients whose view has a null buffer are not computed.
  virtual bool conv2d(const View& x, const View& weight, const View& bias, const Size2d& stride,
                      const Size2d& padding, const View& y);
  virtual bool conv2d_gradient(const View& x, const View& weight, const Size2d& stride,
                               const Size2d& padding, const View& g, const View& dx,
                               const View& dweight, const View& dbias);
  // y [..., down, across] = the maximum of each window of x [..., height, width]; NaN if the window
  // holds one. The gradient g is shared equally among the elements equal to y.
  virtual bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride, const View& y);
  virtual bool max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride,
                                   const View& y, const View& g, const View& dx);
  // x [batch, channels, n], weight and bias [channels]:
  // y = (x - mean) / sqrt(variance + epsilon) * weight + bias. Also writes the mean and variance of
  // each channel, [channels].
  virtual bool batch_norm(const View& x, const View& weight, const View& bias, double epsilon,
                          const View& y, const View& mean, const View& variance);
  virtual bool batch_norm_gradient(const View& x, const View& weight, const View& mean,
                                   const View& variance, double epsilon, const View& g,
                                   const View& dx, const View& dweight, const View& dbias);
  // out[b] = the sum of table[rows[i]] for offsets[b] <= i < offsets[b + 1]: table [n, ...] with
  // any strides, rows i32 [entries] in [0, n), offsets i32 [bags + 1], out [bags, ...]. Throws
  // IndexError for a row outside [0, n).
  virtual bool gather_sum(const View& table, const View& rows, const View& offsets,
                          const View& out);
  // y[s] = the sum of weights[t] * values[t] for offsets[s] <= t < offsets[s + 1], for each head:
  // weights [rows, heads], values [rows, heads, size], offsets i32 [n + 1], y [n, heads, size].
  virtual bool pool(const View& weights, const View& values, const View& offsets, const View& y);
  virtual bool pool_gradient(const View& weights, const View& values, const View& offsets,
                             const View& g, const View& dweights, const View& dvalues);
  // Updates p, m and v in place from g, of the same shape. With rows (i32 [n], all different; or
  // none) updates only these rows of the tables p, m and v, and g is [n, ...].
  virtual bool adam(const AdamStep& step, const View& rows, const View& g, const View& p,
                    const View& m, const View& v);
};

// ---- The registry (backends/registry.cpp). "cpu" and "reference" are always there. ----

using BackendFactory = std::function<std::unique_ptr<Backend>()>;

// Throws BackendError if the name is taken.
void register_backend(const std::string& name, BackendFactory factory);
// Created on first use and kept until the program ends. Throws BackendError for an unknown name,
// listing the known ones.
Backend& backend(std::string_view name);
std::vector<std::string> backend_names();
// Where new tensors live: the last one set, else GRADUS_BACKEND from the environment, else "cpu".
Backend& default_backend();
void set_default_backend(std::string_view name);

}  // namespace gradus
