// The kernels of the CPU backend, a function for each method of the seam (tensor/backend.h has
// their contracts) and a file for each idea. `cache` is where a kernel takes its work space.
#pragma once

#include <cstdint>

#include "backends/cpu/cache.h"
#include "backends/cpu/gemm.h"
#include "backends/host.h"
#include "tensor/backend.h"

namespace gradus::cpu {

// How many elements of cheap work make a task worth its overhead. Fixed: results may depend on it.
inline constexpr std::int64_t kGrain = 32768;

// Whether a result of so many bytes, too large for the caches, should be written past them: a cache would
// read each line before it is written over, and drop it before anything asks for it.
constexpr bool past_caches(std::int64_t bytes) { return bytes >= std::int64_t{32} << 20; }

// Only whole cache lines can be: where a row of such a result must begin.
inline bool on_a_line(const void* to) { return reinterpret_cast<std::uintptr_t>(to) % 64 == 0; }

// Both, of a dense result in one piece.
inline bool past_caches(const View& out) {
  const std::int64_t bytes = out.shape().numel() * static_cast<std::int64_t>(size_of(out.dtype));
  return past_caches(bytes) && on_a_line(element(out, 0));
}

void fill(const View& out, double value);                                       // fill.cpp
void copy(Cache& cache, const View& x, const View& out);                        // copy.cpp
View contiguous(Cache& cache, const View& x, std::shared_ptr<Buffer>& keeper);  // copy.cpp

void unary(Cache& cache, UnaryOp op, const View& x, const View& out);  // elementwise.cpp
void cast(Cache& cache, const View& x, const View& out);               // to a dense out
void binary(Cache& cache, BinaryOp op, const View& a, const View& b, const View& out);
bool map(Cache& cache, std::span<const MapStep> steps, std::span<const View> inputs);
bool unary_gradient(Cache& cache, UnaryOp op, const View& known, const View& g, const View& dx);
void select(Cache& cache, const View& cond, const View& a, const View& b, const View& out);

void reduce(Cache& cache, ReduceOp op, const View& x, const View& out);  // reduce.cpp
// out = the sum of parts [n, ...] over n; each part and out are dense.
void sum_parts(Cache& cache, const View& parts, const View& out);
void matmul(Cache& cache, const View& a, const View& b, const View& out, const Finish& finish = {},
            MatmulPrecision precision = matmul_precision());  // matmul.cpp
View transposed(View x);  // its last two axes swapped; no data moves
void squared_distance(Cache& cache, const View& a, const View& b, const View& out);  // distance.cpp
bool linear(Cache& cache, const View& x, const View& weight, const View& bias, UnaryOp f,
            const View& y);  // linear.cpp
bool linear_gradient(Cache& cache, const View& x, const View& weight, UnaryOp f, const View& y,
                     const View& g, const View& dx, const View& dweight, const View& dbias);
void gather(Cache& cache, const View& table, const View& rows, const View& out);  // rows.cpp
void scatter(Cache& cache, ScatterOp op, const View& rows, const View& src, const View& table);
void gather_sum(Cache& cache, const View& table, const View& rows, const View& offsets,
                const View& out);  // gather_sum.cpp

void pool(const View& weights, const View& values, const View& offsets, const View& y);  // pool.cpp
void pool_gradient(const View& weights, const View& values, const View& offsets, const View& g,
                   const View& dweights, const View& dvalues);

void uniform(std::uint64_t seed, std::uint64_t stream, const View& out);  // random.cpp
void normal(std::uint64_t seed, std::uint64_t stream, double mean, double deviation,
            const View& out);
void dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream, const View& y);

void softmax(const View& x, const View& y);  // softmax.cpp
void log_softmax(const View& x, const View& y);
void softmax_gradient(const View& y, const View& g, const View& dx);
void log_softmax_gradient(const View& y, const View& g, const View& dx);

void layer_norm(const View& x, const View& weight, const View& bias, double epsilon, const View& y,
                const View& mean, const View& rstd);  // layer_norm.cpp
void layer_norm_gradient(Cache& cache, const View& x, const View& weight, const View& mean,
                         const View& rstd, const View& g, const View& dx, const View& dweight,
                         const View& dbias);

void softmax_cross_entropy(const View& x, const View& labels, const View& loss);
void softmax_cross_entropy_gradient(const View& x, const View& labels, const View& g,
                                    const View& dx);  // cross_entropy.cpp

void adam(const AdamStep& step, const View& rows, const View& g, const View& p, const View& m,
          const View& v);  // adam.cpp

bool conv2d(Cache& cache, const View& x, const View& weight, const View& bias, const Size2d& stride,
            const Size2d& padding, const View& y);  // conv2d.cpp
bool conv2d_gradient(Cache& cache, const View& x, const View& weight, const Size2d& stride,
                     const Size2d& padding, const View& g, const View& dx, const View& dweight,
                     const View& dbias);
bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride,
                const View& y);  // max_pool2d.cpp
void max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride, const View& y,
                         const View& g, const View& dx);
bool batch_norm(const View& x, const View& weight, const View& bias, double epsilon, const View& y,
                const View& mean, const View& variance);  // batch_norm.cpp
void batch_norm_gradient(const View& x, const View& weight, const View& mean, const View& variance,
                         double epsilon, const View& g, const View& dx, const View& dweight,
                         const View& dbias);

bool attention(Cache& cache, const AttentionInputs& in, const View& y,
               const View& log_sum);  // attention.cpp
bool attention_gradient(Cache& cache, const AttentionInputs& in, const View& y, const View& log_sum,
                        const View& g, const AttentionGradients& out);

}  // namespace gradus::cpu
