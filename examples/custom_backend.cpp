// A backend of your own, registered from outside: it passes every call on to another and counts
// calls, bytes and time. The library's conformance suite checks that it does what a backend must.

#include <gradus/gradus.h>
#include <gradus/tests/conformance.h>

#include <chrono>
#include <iomanip>
#include <iostream>
#include <map>
#include <mutex>

using namespace gradus;

// What a call reads and writes, as its arguments tell.
template <class T>
double bytes_of(const T&) {
  return 0;
}
double bytes_of(const View& x) {
  return x.buffer == nullptr
             ? 0
             : static_cast<double>(x.shape().numel()) * static_cast<double>(size_of(x.dtype));
}
double bytes_of(const AttentionInputs& in) {
  return bytes_of(in.q) + bytes_of(in.k) + bytes_of(in.v) + bytes_of(in.mask);
}
double bytes_of(const AttentionGradients& out) {
  return bytes_of(out.dq) + bytes_of(out.dk) + bytes_of(out.dv);
}

class CountingBackend : public Backend {
 public:
  struct Count {
    int calls = 0;
    double bytes = 0, ms = 0;
  };

  explicit CountingBackend(Backend& inner) : inner_(inner) {}

  std::map<std::string, Count> counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  std::string_view name() const override { return "counting"; }
  std::string description() const override { return "counting " + inner_.description(); }

  // Memory is the inner backend's: its buffers and views pass through as they are.
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override { return inner_.allocate(bytes); }
  std::shared_ptr<Buffer> adopt(std::shared_ptr<std::byte> memory, std::size_t bytes) override {
    return inner_.adopt(std::move(memory), bytes);
  }
  MemoryStats memory() const override { return inner_.memory(); }
  void reset_peak_memory() override { inner_.reset_peak_memory(); }
  void trim_memory() override { inner_.trim_memory(); }
  void limit_memory(std::size_t bytes) override { inner_.limit_memory(bytes); }
  void synchronize() override { inner_.synchronize(); }

  void upload(const void* from, const View& out) override {
    pass("upload", &Backend::upload, from, out);
  }
  void download(const View& x, void* to) override { pass("download", &Backend::download, x, to); }
  void fill(const View& out, double value) override { pass("fill", &Backend::fill, out, value); }
  void unary(UnaryOp op, const View& x, const View& out) override {
    pass(name_of(op), &Backend::unary, op, x, out);
  }
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override {
    pass(name_of(op), &Backend::binary, op, a, b, out);
  }
  void select(const View& cond, const View& a, const View& b, const View& out) override {
    pass("select", &Backend::select, cond, a, b, out);
  }
  void reduce(ReduceOp op, const View& x, const View& out) override {
    pass(std::string("reduce ") + name_of(op), &Backend::reduce, op, x, out);
  }
  void matmul(const View& a, const View& b, const View& out) override {
    pass("matmul", &Backend::matmul, a, b, out);
  }
  void gather(const View& table, const View& rows, const View& out) override {
    pass("gather", &Backend::gather, table, rows, out);
  }
  void scatter(ScatterOp op, const View& rows, const View& src, const View& table) override {
    pass("scatter", &Backend::scatter, op, rows, src, table);
  }

  // Offers: taken where the inner backend takes them.
  bool uniform(std::uint64_t seed, std::uint64_t stream, const View& out) override {
    return pass("uniform", &Backend::uniform, seed, stream, out);
  }
  bool dropout(const View& x, double p, std::uint64_t seed, std::uint64_t stream,
               const View& y) override {
    return pass("dropout", &Backend::dropout, x, p, seed, stream, y);
  }
  bool softmax(const View& x, const View& y) override {
    return pass("softmax", &Backend::softmax, x, y);
  }
  bool log_softmax(const View& x, const View& y) override {
    return pass("log_softmax", &Backend::log_softmax, x, y);
  }
  bool softmax_gradient(const View& y, const View& g, const View& dx) override {
    return pass("softmax_gradient", &Backend::softmax_gradient, y, g, dx);
  }
  bool log_softmax_gradient(const View& y, const View& g, const View& dx) override {
    return pass("log_softmax_gradient", &Backend::log_softmax_gradient, y, g, dx);
  }
  bool layer_norm(const View& x, const View& weight, const View& bias, double epsilon,
                  const View& y, const View& mean, const View& rstd) override {
    return pass("layer_norm", &Backend::layer_norm, x, weight, bias, epsilon, y, mean, rstd);
  }
  bool layer_norm_gradient(const View& x, const View& weight, const View& mean, const View& rstd,
                           const View& g, const View& dx, const View& dweight,
                           const View& dbias) override {
    return pass("layer_norm_gradient", &Backend::layer_norm_gradient, x, weight, mean, rstd, g, dx,
                dweight, dbias);
  }
  bool attention(const AttentionInputs& in, const View& y, const View& log_sum) override {
    return pass("attention", &Backend::attention, in, y, log_sum);
  }
  bool attention_gradient(const AttentionInputs& in, const View& y, const View& log_sum,
                          const View& g, const AttentionGradients& out) override {
    return pass("attention_gradient", &Backend::attention_gradient, in, y, log_sum, g, out);
  }
  bool unary_gradient(UnaryOp op, const View& known, const View& g, const View& dx) override {
    return pass(std::string(name_of(op)) + "_gradient", &Backend::unary_gradient, op, known, g, dx);
  }
  bool linear(const View& x, const View& weight, const View& bias, UnaryOp f,
              const View& y) override {
    return pass("linear", &Backend::linear, x, weight, bias, f, y);
  }
  bool linear_gradient(const View& x, const View& weight, UnaryOp f, const View& y, const View& g,
                       const View& dx, const View& dweight, const View& dbias) override {
    return pass("linear_gradient", &Backend::linear_gradient, x, weight, f, y, g, dx, dweight,
                dbias);
  }
  bool softmax_cross_entropy(const View& x, const View& labels, const View& loss) override {
    return pass("cross_entropy", &Backend::softmax_cross_entropy, x, labels, loss);
  }
  bool softmax_cross_entropy_gradient(const View& x, const View& labels, const View& g,
                                      const View& dx) override {
    return pass("cross_entropy_gradient", &Backend::softmax_cross_entropy_gradient, x, labels, g,
                dx);
  }
  bool conv2d(const View& x, const View& weight, const View& bias, const Size2d& stride,
              const Size2d& padding, const View& y) override {
    return pass("conv2d", &Backend::conv2d, x, weight, bias, stride, padding, y);
  }
  bool conv2d_gradient(const View& x, const View& weight, const Size2d& stride,
                       const Size2d& padding, const View& g, const View& dx, const View& dweight,
                       const View& dbias) override {
    return pass("conv2d_gradient", &Backend::conv2d_gradient, x, weight, stride, padding, g, dx,
                dweight, dbias);
  }
  bool max_pool2d(const View& x, const Size2d& size, const Size2d& stride, const View& y) override {
    return pass("max_pool2d", &Backend::max_pool2d, x, size, stride, y);
  }
  bool max_pool2d_gradient(const View& x, const Size2d& size, const Size2d& stride, const View& y,
                           const View& g, const View& dx) override {
    return pass("max_pool2d_gradient", &Backend::max_pool2d_gradient, x, size, stride, y, g, dx);
  }
  bool batch_norm(const View& x, const View& weight, const View& bias, double epsilon,
                  const View& y, const View& mean, const View& variance) override {
    return pass("batch_norm", &Backend::batch_norm, x, weight, bias, epsilon, y, mean, variance);
  }
  bool batch_norm_gradient(const View& x, const View& weight, const View& mean,
                           const View& variance, double epsilon, const View& g, const View& dx,
                           const View& dweight, const View& dbias) override {
    return pass("batch_norm_gradient", &Backend::batch_norm_gradient, x, weight, mean, variance,
                epsilon, g, dx, dweight, dbias);
  }
  bool gather_sum(const View& table, const View& rows, const View& offsets,
                  const View& out) override {
    return pass("gather_sum", &Backend::gather_sum, table, rows, offsets, out);
  }
  bool pool(const View& weights, const View& values, const View& offsets, const View& y) override {
    return pass("pool", &Backend::pool, weights, values, offsets, y);
  }
  bool pool_gradient(const View& weights, const View& values, const View& offsets, const View& g,
                     const View& dweights, const View& dvalues) override {
    return pass("pool_gradient", &Backend::pool_gradient, weights, values, offsets, g, dweights,
                dvalues);
  }
  bool adam(const AdamStep& step, const View& rows, const View& g, const View& p, const View& m,
            const View& v) override {
    return pass("adam", &Backend::adam, step, rows, g, p, m, v);
  }

 private:
  // Calls the inner backend's method, and counts the call unless it is an offer that was not taken.
  template <class R, class... P>
  R pass(const std::string& op, R (Backend::*method)(P...), std::type_identity_t<P>... arguments) {
    const auto start = std::chrono::steady_clock::now();
    const auto count = [&] {
      inner_.synchronize();
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      const std::lock_guard lock(mutex_);
      Count& c = counts_[op];
      ++c.calls;
      c.bytes += (bytes_of(arguments) + ...);
      c.ms += took.count();
    };
    if constexpr (std::is_void_v<R>) {
      (inner_.*method)(arguments...);
      count();
    } else {
      const R result = (inner_.*method)(arguments...);
      if (result) count();
      return result;
    }
  }

  Backend& inner_;
  mutable std::mutex mutex_;
  std::map<std::string, Count> counts_;
};

int main() {
  register_backend("counting", [] { return std::make_unique<CountingBackend>(backend("cpu")); });
  auto& counting = dynamic_cast<CountingBackend&>(backend("counting"));
  const std::vector<std::string> failures = conformance_failures(counting);
  for (const std::string& failure : failures) std::cout << failure << "\n";
  std::cout << counting.description() << "\nconforms: " << (failures.empty() ? "yes" : "no")
            << "\n\n";

  // What five steps of a small model ask of it: the difference of two counts.
  set_default_backend("counting");
  manual_seed(1);
  nn::Sequential model{nn::Linear(64, 128), nn::LayerNorm(128), gelu, nn::Linear(128, 10)};
  optim::AdamW optimizer(model.parameters());
  const Tensor x = normal({256, 64});
  const Tensor labels = argmax(slice(x, 1, 0, 10));
  const auto before = counting.counts();
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_grad();
    nn::cross_entropy(model(x), labels).backward();
    optimizer.step();
  }
  std::map<std::string, CountingBackend::Count> spent = counting.counts();
  std::cout << "op                        calls        MB        ms\n" << std::fixed;
  for (auto& [op, count] : spent) {
    if (const auto old = before.find(op); old != before.end()) {
      count.calls -= old->second.calls;
      count.bytes -= old->second.bytes;
      count.ms -= old->second.ms;
    }
    if (count.calls == 0) continue;
    std::cout << std::left << std::setw(24) << op << std::right << std::setw(7) << count.calls
              << std::setprecision(2) << std::setw(10) << count.bytes / 1e6 << std::setprecision(3)
              << std::setw(10) << count.ms << "\n";
  }
  // Two linear layers, forward and back, five times; four parameters and a layer norm's two.
  return failures.empty() && spent["linear"].calls == 10 && spent["adam"].calls == 30 ? 0 : 1;
}
