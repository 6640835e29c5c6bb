// The seam between Gradus and the machine. A backend owns memory and runs kernels over views of it;
// it knows nothing of Tensor, autograd or modules. To add one, derive from Backend, implement the
// required methods, and register it:
//
//   register_backend("mine", [] { return std::make_unique<MyBackend>(); });
//   set_default_backend("mine");              // or GRADUS_BACKEND=mine in the environment
//
// There is one method for each shape of computation, the operation passed as an enum; a scalar is a
// view with strides 0. Shapes and dtypes are checked before a call and again by nobody:
//   - inputs may be strided, broadcast (stride 0) or, for copy alone, turned around (a stride below 0);
//     `out` is contiguous unless a method says else;
//   - `out` never overlaps an input, and any view may be empty.
// backends/reference/ implements exactly the required methods, as plainly as can be: it is the
// specification. tests/conformance.h checks any backend against it.
//
// Fused kernels are offers: a method that returns bool returns false (the default) for "no kernel
// for this case", and the caller then runs the readable definition made of the required methods.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/layout.h"

namespace gradus {

// Memory of one backend. `host()` is its address if the CPU can reach it, else null.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::byte* host() { return nullptr; }
  virtual std::size_t bytes() const = 0;
};

// What kernels see: memory, element type, and where the elements lie (in elements, not bytes).
struct View {
  Buffer* buffer = nullptr;
  DType dtype = DType::f32;
  Layout layout;

  const Shape& shape() const { return layout.shape; }
};

// copy also casts (to boolean: x != 0; float to i32: toward zero) and may have a strided `out`.
// gelu(x) = x * (1 + erf(x / sqrt 2)) / 2. expm1(x) = e^x - 1, log1p(x) = log(1 + x), all digits kept near
// 0. round: halves to the even neighbour. sign(0) = 0. logical_not: boolean to boolean.
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
  round,
  logical_not
};
// Both inputs have one dtype; div and pow take f32 and f64, the other arithmetic i32 too. The
// comparisons give boolean; logical_and/or take and give boolean.
// max and min give NaN if either side is NaN.
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
// argmax gives i32, the first index of the largest; sum of nothing is 0, max of nothing -inf.
enum class ReduceOp { sum, max, min, argmax };
enum class ScatterOp { add, assign };

const char* name_of(UnaryOp op);
const char* name_of(BinaryOp op);
const char* name_of(ReduceOp op);

// What attention looks at, and how (Backend::attention). q, k and v are packed, [tokens, heads, dim]
// in segments, or dense, [batch, heads, time, dim]; their last axis is dense, the others have any
// strides.
struct AttentionInputs {
  View q, k, v;
  View key_bias = {};  // added to a key's scores: [tokens, heads] or [batch, heads, keys]; or none
  View offsets = {};   // packed: i32 [segments + 1], rising from 0 to the tokens; dense: none
  View mask = {};  // dense: boolean [batch, heads, queries, keys], true where one may look; or none
  double scale = 1;
  bool causal = false;  // query i sees keys 0 .. i of its segment or batch item
  // Weights are dropped as by Backend::dropout. Each query has a row of numbers of its own in the
  // stream, as long as the longest list of keys rounded up to fours: of packed query t and head h
  // row t * heads + h, of dense query i of head h of item b row (b * heads + h) * queries + i.
  double dropout = 0;
  std::uint64_t seed = 0, stream = 0;
};
struct AttentionGradients {
  View dq, dk, dv;      // laid out like q, k and v, the last axis dense
  View dkey_bias = {};  // where there is a key_bias
};

// One step of Adam or AdamW (optim/adam.h has the formulas and the papers).
struct AdamStep {
  double lr, beta1, beta2, epsilon;
  double l2 = 0;            // l2 * p is added to the gradient
  double shrink = 1;        // p is first multiplied by this
  double m_correction = 1;  // 1 - beta1^t
  double v_correction = 1;  // 1 - beta2^t
  // Of a table's row i only the part row_scale[i] of the change of p is made: [rows of p], p's type,
  // dense; or none.
  View row_scale = {};
};

// What a backend's memory has been doing. Bytes are those of whole blocks.
struct MemoryStats {
  std::size_t in_use = 0;
  std::size_t peak = 0;        // the most in use since reset_peak_memory()
  std::size_t cached = 0;      // freed and kept for the next request
  std::uint64_t requests = 0;  // calls of allocate()
  std::uint64_t fresh = 0;     // of them, those that had to ask the system
};

// -1 in a list of rows names no row: gather gives zeros for it, scatter skips it.
inline constexpr std::int32_t kNoRow = -1;

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;

  // Throws BackendError when the memory cannot be had. Aligned to 64 bytes; contents undefined.
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
  // out [..., m, n] = a [..., m, k] * b [..., k, n], the leading axes already broadcast; f32 or
  // f64.
  virtual void matmul(const View& a, const View& b, const View& out) = 0;
  // table [n, ...], rows any shape (i32 in [-1, n)), out [rows..., ...]: out[i] = table[rows[i]].
  // Throws IndexError naming the first row outside [-1, n).
  virtual void gather(const View& table, const View& rows, const View& out) = 0;
  // The reverse: table[rows[i]] += or = src[i], in order of i. src [rows..., ...].
  // Throws IndexError as gather does, before it writes anything.
  virtual void scatter(ScatterOp op, const View& rows, const View& src, const View& table) = 0;
  // Memory that something else owns (a mapped file) as a buffer, without a copy; null where that
  // cannot be. It may be aligned to its elements only.
  virtual std::shared_ptr<Buffer> adopt(std::shared_ptr<std::byte> memory, std::size_t bytes);
  // What allocate() has handed out; zeros where a backend does not count.
  virtual MemoryStats memory() const { return {}; }
  virtual void reset_peak_memory() {}
  // Gives memory kept for later requests back to the system.
  virtual void trim_memory() {}
  // From now on allocate() throws BackendError, saying so, rather than have more bytes in use.
  virtual void limit_memory(std::size_t) {}
  // Waits for queued work, if the backend queues any.
  virtual void synchronize() {}
  // A line for `gradus info`: kernels, libraries, targets.
  virtual std::string description() const { return std::string(name()); }

  // ---- Offers. All views are f32 or f64 and contiguous unless said otherwise. ----

  // Philox4x32-10 numbers (tensor/philox.h), uniform in [0, 1): element i of stream `stream`.
  virtual bool uniform(std::uint64_t, std::uint64_t, const View&) { return false; }
  // y = x * keep / (1 - p), keep = uniform(seed, stream) >= p in f32. Its own gradient, with g for
  // x.
  virtual bool dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream,
                       const View& y);
  // Over the last axis. y = e^x / sum(e^x), or x - log(sum(e^x)). A row of nothing but -inf (all
  // masked) gives zeros, or -inf; never NaN.
  virtual bool softmax(const View& x, const View& y);
  virtual bool log_softmax(const View& x, const View& y);
  // dx = y * (g - sum(g * y)), or g - e^y * sum(g).
  virtual bool softmax_gradient(const View& y, const View& g, const View& dx);
  virtual bool log_softmax_gradient(const View& y, const View& g, const View& dx);
  // x [rows, dim], weight and bias [dim]; y = (x - mean) * rstd * weight + bias; keeps mean, rstd
  // [rows].
  virtual bool layer_norm(const View& x, const View& weight, const View& bias, double epsilon,
                          const View& y, const View& mean, const View& rstd);
  virtual bool layer_norm_gradient(const View& x, const View& weight, const View& mean,
                                   const View& rstd, const View& g, const View& dx,
                                   const View& dweight, const View& dbias);
  // y = softmax(scale * q k^T + key_bias) v, each head by itself, within each segment or batch item
  // (AttentionInputs). A query that sees no key gets zeros. log_sum, [tokens, heads] or [batch,
  // heads, queries], is kept for the gradient: the log of each query's sum of exponentials. y is
  // laid out like q with v's last axis, the last axis dense.
  virtual bool attention(const AttentionInputs& in, const View& y, const View& log_sum);
  virtual bool attention_gradient(const AttentionInputs& in, const View& y, const View& log_sum,
                                  const View& g, const AttentionGradients& out);
  // dx = g * f'(x), known being y = f(x) for relu, tanh and sigmoid, whose slope y tells, and x for
  // the others. Both have any strides.
  virtual bool unary_gradient(UnaryOp op, const View& known, const View& g, const View& dx);
  // out [..., m, n] = a.a + b.b - 2 a.b for the rows of a [..., m, d] and b [..., n, d], the leading axes
  // alike and the strides any; 0 where rounding goes below.
  virtual bool squared_distance(const View& a, const View& b, const View& out);
  // y [rows, out] = f(x weight^T + bias): x [rows, in], weight [out, in], both of any strides, bias
  // [out] or none; f is copy (nothing), relu, tanh or sigmoid: one whose gradient y tells.
  virtual bool linear(const View& x, const View& weight, const View& bias, UnaryOp f,
                      const View& y);
  // With ds = g * f'(y): dx = ds weight, dweight = ds^T x, dbias = the sums of ds's columns. Of
  // these, those with a null buffer are not wanted.
  virtual bool linear_gradient(const View& x, const View& weight, UnaryOp f, const View& y,
                               const View& g, const View& dx, const View& dweight,
                               const View& dbias);
  // loss [n] = -log(softmax(x)[label]) for each row of x [n, classes]; labels i32 [n]. Its gradient
  // dx = g * (softmax(x) - one_hot(label)). Throws IndexError for a label outside [0, classes).
  virtual bool softmax_cross_entropy(const View& x, const View& labels, const View& loss);
  virtual bool softmax_cross_entropy_gradient(const View& x, const View& labels, const View& g,
                                              const View& dx);
  // y [batch, out, down, across] = the products of weight [out, in, rows, columns] with the windows of
  // x [batch, in, height, width], `stride` apart, with `padding` zeros around x; plus bias [out], or
  // none. All of any strides but y. Of the gradients, those with a null buffer are not wanted.
  virtual bool conv2d(const View& x, const View& weight, const View& bias, const Size2d& stride,
                      const Size2d& padding, const View& y);
  virtual bool conv2d_gradient(const View& x, const View& weight, const Size2d& stride,
                               const Size2d& padding, const View& g, const View& dx,
                               const View& dweight, const View& dbias);
  // y [..., down, across] = the largest number of each window of x [..., height, width]; NaN if there
  // is one. In the gradient g goes to the elements equal to y, in equal shares.
  virtual bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride, const View& y);
  virtual bool max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride,
                                   const View& y, const View& g, const View& dx);
  // x [batch, channels, n], weight and bias [channels]; mean and variance [channels] are those of
  // each channel, y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
  virtual bool batch_norm(const View& x, const View& weight, const View& bias, double epsilon,
                          const View& y, const View& mean, const View& variance);
  virtual bool batch_norm_gradient(const View& x, const View& weight, const View& mean,
                                   const View& variance, double epsilon, const View& g,
                                   const View& dx, const View& dweight, const View& dbias);
  // out[b] = the sum of table[rows[i]] for offsets[b] <= i < offsets[b + 1]: table [n, ...] of any
  // strides, rows i32 [entries] in [0, n), offsets i32 [bags + 1], out [bags, ...]. Throws IndexError
  // for another row.
  virtual bool gather_sum(const View& table, const View& rows, const View& offsets,
                          const View& out);
  // y[s] = the sum of weights[t] * values[t] over offsets[s] <= t < offsets[s + 1], each head by itself:
  // weights [rows, heads], values [rows, heads, size], offsets i32 [n + 1], y [n, heads, size].
  virtual bool pool(const View& weights, const View& values, const View& offsets, const View& y);
  virtual bool pool_gradient(const View& weights, const View& values, const View& offsets,
                             const View& g, const View& dweights, const View& dvalues);
  // p, m and v in place, from g of the same shape; with rows (i32 [n], all different; or none) only
  // these rows of the tables p, m and v, g being [n, ...].
  virtual bool adam(const AdamStep& step, const View& rows, const View& g, const View& p,
                    const View& m, const View& v);
};

// ---- The registry (backends/registry.cpp). "cpu" and "reference" are always there. ----

using BackendFactory = std::function<std::unique_ptr<Backend>()>;

// Throws BackendError if the name is taken.
void register_backend(const std::string& name, BackendFactory factory);
// Made at first use and kept for the life of the program. Throws BackendError for an unknown name,
// listing the known ones.
Backend& backend(std::string_view name);
std::vector<std::string> backend_names();
// Where new tensors live: GRADUS_BACKEND from the environment, else "cpu".
Backend& default_backend();
void set_default_backend(std::string_view name);

}  // namespace gradus
