#include "backends/cpu/cpu.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "backends/cpu/amx.h"
#include "backends/cpu/bf16.h"
#include "backends/cpu/cache.h"
#include "backends/cpu/kernels.h"
#include "backends/cpu/loops.h"
#include "backends/host.h"
#include "tensor/parallel.h"

namespace gradus {

namespace {

// Every method forwards to a kernel (backends/cpu/kernels.h).
class CpuBackend : public Backend {
 public:
  // GRADUS_SIMD=AVX2 in the environment: as on a machine without AVX-512 and AMX. GRADUS_MEMORY_LIMIT=4G:
  // no more than that.
  CpuBackend() {
    if (const char* name = std::getenv("GRADUS_SIMD")) cpu::limit_simd(name);
    const char* limit = std::getenv("GRADUS_MEMORY_LIMIT");
    if (limit != nullptr && *limit != '\0') cache_->limit(cpu::parse_bytes(limit));
  }

  std::string_view name() const override { return "cpu"; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return cache_->allocate(bytes); }
  MemoryStats memory() const override { return cache_->stats(); }
  void reset_peak_memory() override { cache_->reset_peak(); }
  void trim_memory() override { cache_->trim(); }
  void limit_memory(std::size_t bytes) override { cache_->limit(bytes); }

  void upload(const void* from, const View& out) override {
    const std::size_t bytes = bytes_of(out);
    if (bytes > 0) std::memcpy(start_of(out), from, bytes);
  }
  void download(const View& x, void* to) override {
    const std::size_t bytes = bytes_of(x);
    if (bytes > 0) std::memcpy(to, start_of(x), bytes);
  }
  void fill(const View& out, double value) override { cpu::fill(out, value); }
  void unary(UnaryOp op, const View& x, const View& out) override {
    cpu::unary(*cache_, op, x, out);
  }
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override {
    cpu::binary(*cache_, op, a, b, out);
  }
  void select(const View& cond, const View& a, const View& b, const View& out) override {
    cpu::select(*cache_, cond, a, b, out);
  }
  void reduce(ReduceOp op, const View& x, const View& out) override {
    cpu::reduce(*cache_, op, x, out);
  }
  void matmul(const View& a, const View& b, const View& out) override {
    cpu::matmul(*cache_, a, b, out);
  }
  void gather(const View& table, const View& rows, const View& out) override {
    cpu::gather(*cache_, table, rows, out);
  }
  void scatter(ScatterOp op, const View& rows, const View& src, const View& table) override {
    cpu::scatter(*cache_, op, rows, src, table);
  }
  std::shared_ptr<Buffer> adopt(std::shared_ptr<std::byte> memory, std::size_t bytes) override {
    return std::make_shared<AdoptedBuffer>(std::move(memory), bytes);
  }
  std::string description() const override {
    const bool amx = cpu::amx_in_use();
    return fmt::format("cpu: Highway {}{}{}, {} thread{}", cpu::simd_targets()[amx ? 1 : 0],
                       amx ? " with AMX" : "", cpu::has_bf16() ? ", bf16" : "", num_threads(),
                       num_threads() == 1 ? "" : "s");
  }

  bool map(std::span<const MapStep> steps, std::span<const View> inputs) override {
    return cpu::map(*cache_, steps, inputs);
  }
  bool uniform(std::uint64_t seed, std::uint64_t stream, const View& out) override {
    cpu::uniform(seed, stream, out);
    return true;
  }
  bool normal(std::uint64_t seed, std::uint64_t stream, double mean, double deviation,
              const View& out) override {
    cpu::normal(seed, stream, mean, deviation, out);
    return true;
  }
  bool dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream,
               const View& y) override {
    cpu::dropout(x, p, seed, stream, y);
    return true;
  }
  bool softmax(const View& x, const View& y) override {
    cpu::softmax(x, y);
    return true;
  }
  bool log_softmax(const View& x, const View& y) override {
    cpu::log_softmax(x, y);
    return true;
  }
  bool softmax_gradient(const View& y, const View& g, const View& dx) override {
    cpu::softmax_gradient(y, g, dx);
    return true;
  }
  bool log_softmax_gradient(const View& y, const View& g, const View& dx) override {
    cpu::log_softmax_gradient(y, g, dx);
    return true;
  }
  bool layer_norm(const View& x, const View& weight, const View& bias, double epsilon,
                  const View& y, const View& mean, const View& rstd) override {
    cpu::layer_norm(x, weight, bias, epsilon, y, mean, rstd);
    return true;
  }
  bool layer_norm_gradient(const View& x, const View& weight, const View& mean, const View& rstd,
                           const View& g, const View& dx, const View& dweight,
                           const View& dbias) override {
    cpu::layer_norm_gradient(*cache_, x, weight, mean, rstd, g, dx, dweight, dbias);
    return true;
  }
  bool unary_gradient(UnaryOp op, const View& known, const View& g, const View& dx) override {
    return cpu::unary_gradient(*cache_, op, known, g, dx);
  }
  bool squared_distance(const View& a, const View& b, const View& out) override {
    cpu::squared_distance(*cache_, a, b, out);
    return true;
  }
  bool linear(const View& x, const View& weight, const View& bias, UnaryOp f,
              const View& y) override {
    return cpu::linear(*cache_, x, weight, bias, f, y);
  }
  bool linear_gradient(const View& x, const View& weight, UnaryOp f, const View& y, const View& g,
                       const View& dx, const View& dweight, const View& dbias) override {
    return cpu::linear_gradient(*cache_, x, weight, f, y, g, dx, dweight, dbias);
  }
  bool softmax_cross_entropy(const View& x, const View& labels, const View& loss) override {
    cpu::softmax_cross_entropy(x, labels, loss);
    return true;
  }
  bool softmax_cross_entropy_gradient(const View& x, const View& labels, const View& g,
                                      const View& dx) override {
    cpu::softmax_cross_entropy_gradient(x, labels, g, dx);
    return true;
  }
  bool conv2d(const View& x, const View& weight, const View& bias, const Size2d& stride,
              const Size2d& padding, const View& y) override {
    return cpu::conv2d(*cache_, x, weight, bias, stride, padding, y);
  }
  bool conv2d_gradient(const View& x, const View& weight, const Size2d& stride,
                       const Size2d& padding, const View& g, const View& dx, const View& dweight,
                       const View& dbias) override {
    return cpu::conv2d_gradient(*cache_, x, weight, stride, padding, g, dx, dweight, dbias);
  }
  bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride, const View& y) override {
    return cpu::max_pool2d(x, size, stride, y);
  }
  bool max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride, const View& y,
                           const View& g, const View& dx) override {
    cpu::max_pool2d_gradient(x, size, stride, y, g, dx);
    return true;
  }
  bool batch_norm(const View& x, const View& weight, const View& bias, double epsilon,
                  const View& y, const View& mean, const View& variance) override {
    return cpu::batch_norm(x, weight, bias, epsilon, y, mean, variance);
  }
  bool batch_norm_gradient(const View& x, const View& weight, const View& mean,
                           const View& variance, double epsilon, const View& g, const View& dx,
                           const View& dweight, const View& dbias) override {
    cpu::batch_norm_gradient(x, weight, mean, variance, epsilon, g, dx, dweight, dbias);
    return true;
  }
  bool adam(const AdamStep& step, const View& rows, const View& g, const View& p, const View& m,
            const View& v) override {
    cpu::adam(step, rows, g, p, m, v);
    return true;
  }
  bool gather_sum(const View& table, const View& rows, const View& offsets,
                  const View& out) override {
    cpu::gather_sum(*cache_, table, rows, offsets, out);
    return true;
  }
  bool pool(const View& weights, const View& values, const View& offsets, const View& y) override {
    cpu::pool(weights, values, offsets, y);
    return true;
  }
  bool pool_gradient(const View& weights, const View& values, const View& offsets, const View& g,
                     const View& dweights, const View& dvalues) override {
    cpu::pool_gradient(weights, values, offsets, g, dweights, dvalues);
    return true;
  }
  bool attention(const AttentionInputs& in, const View& y, const View& log_sum) override {
    return cpu::attention(*cache_, in, y, log_sum);
  }
  bool attention_gradient(const AttentionInputs& in, const View& y, const View& log_sum,
                          const View& g, const AttentionGradients& out) override {
    return cpu::attention_gradient(*cache_, in, y, log_sum, g, out);
  }

 private:
  static std::size_t bytes_of(const View& view) {
    return static_cast<std::size_t>(view.shape().numel()) * size_of(view.dtype);
  }
  static std::byte* start_of(const View& view) {
    return view.buffer->host() +
           view.layout.offset * static_cast<std::int64_t>(size_of(view.dtype));
  }

  std::shared_ptr<cpu::Cache> cache_ = std::make_shared<cpu::Cache>(machine_memory() / 4);
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend() { return std::make_unique<CpuBackend>(); }

}  // namespace gradus
