#include "tests/conformance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <new>
#include <set>

#include "backends/host.h"
#include "backends/reference/reference.h"
#include "gradus.h"

using namespace gradus;

namespace {

// A backend from outside: counts calls and passes them on.
class CountingBackend : public ReferenceBackend {
 public:
  inline static std::map<std::string, int> calls;

  std::string_view name() const override { return "counting"; }
  void unary(UnaryOp op, const View& x, const View& out) override {
    ++calls[name_of(op)];
    ReferenceBackend::unary(op, x, out);
  }
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override {
    ++calls[name_of(op)];
    ReferenceBackend::binary(op, a, b, out);
  }
  void matmul(const View& a, const View& b, const View& out) override {
    ++calls["matmul"];
    ReferenceBackend::matmul(a, b, out);
  }
  bool softmax(const View& x, const View&) override {
    ++calls["softmax"];
    return x.shape().rank() > 100;  // asked, and never taken
  }
};

// Breaks a promise of each of eight methods.
class BrokenBackend : public ReferenceBackend {
  // A wrong function.
  void unary(UnaryOp op, const View& x, const View& out) override {
    ReferenceBackend::unary(op == UnaryOp::tanh ? UnaryOp::erf : op, x, out);
  }
  // One element too many.
  void fill(const View& out, double value) override {
    View more = out;
    more.layout = Layout(Shape{out.shape().numel() + 1});
    more.layout.offset = out.layout.offset;
    ReferenceBackend::fill(more, value);
  }
  // Writes before it has looked at the rows.
  void scatter(ScatterOp op, const View& rows, const View& src, const View& table) override {
    if (table.shape().numel() > 0 && rows.shape().numel() > 0) {
      ReferenceBackend::fill(table, 0);
    }
    ReferenceBackend::scatter(op, rows, src, table);
  }
  // NaN is lost on one side.
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override {
    if (op != BinaryOp::max || a.dtype != DType::f64) {
      return ReferenceBackend::binary(op, a, b, out);
    }
    for (std::int64_t i = 0; i < out.shape().numel(); ++i) {
      data_of<double>(out)[i] = std::fmax(data_of<double>(a)[position(a.layout, i)],
                                          data_of<double>(b)[position(b.layout, i)]);
    }
  }
  // Lets go of the memory.
  std::shared_ptr<Buffer> adopt(std::shared_ptr<std::byte> memory, std::size_t bytes) override {
    return std::make_shared<AdoptedBuffer>(
        std::shared_ptr<std::byte>(std::shared_ptr<void>(), memory.get()), bytes);
  }
  // Offers taken without doing the work.
  bool log_softmax(const View&, const View&) override { return true; }
  bool adam(const AdamStep&, const View&, const View&, const View&, const View&,
            const View&) override {
    return true;
  }
  bool max_pool2d(const View&, const Size2d&, const Size2d&, const View&) override { return true; }
};

// Has no memory, and says so in its own way.
class PoorBackend : public ReferenceBackend {
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override {
    if (bytes > 2000) throw std::bad_alloc();
    return ReferenceBackend::allocate(bytes);
  }
};

// Reads inputs as if they were dense, wherever there is memory enough to do so.
class StridelessBackend : public ReferenceBackend {
  void unary(UnaryOp op, const View& x, const View& out) override {
    const auto count = static_cast<std::size_t>(x.shape().numel());
    const bool fits = count * size_of(x.dtype) <= x.buffer->bytes();
    ReferenceBackend::unary(op, fits ? View{x.buffer, x.dtype, Layout(x.shape())} : x, out);
  }
};

void check_conforms(Backend& backend) {
  for (const std::string& failure : conformance_failures(backend)) FAIL_CHECK(failure);
}

}  // namespace

TEST_CASE("the reference backend conforms") { check_conforms(backend("reference")); }

TEST_CASE("the CPU backend conforms") { check_conforms(backend("cpu")); }

TEST_CASE("a backend from outside is registered, conforms, and runs models") {
  register_backend("counting", [] { return std::make_unique<CountingBackend>(); });
  CHECK_THROWS_AS(register_backend("counting", make_reference_backend), BackendError);
  check_conforms(backend("counting"));
  CountingBackend::calls.clear();
  const TensorOptions here{DType::f32, &backend("counting")};
  Tensor w = ones({3, 2}, here).set_requires_grad();
  const Tensor y = softmax(relu(matmul(ones({4, 3}, here), w)));
  CHECK(y.backend().name() == "counting");
  sum(y * y).backward();
  CHECK(w.grad().backend().name() == "counting");
  CHECK(CountingBackend::calls["relu"] == 1);
  CHECK(CountingBackend::calls["softmax"] == 1);
  CHECK(CountingBackend::calls["exp"] == 1);     // the definition, since the offer was not taken
  CHECK(CountingBackend::calls["matmul"] == 2);  // forward, and back to w alone
}

TEST_CASE("broken promises are found out, and nothing else is blamed") {
  BrokenBackend broken;
  const std::set<std::string> guilty{"adam",        "adopt",      "binary max", "fill",
                                     "log_softmax", "max_pool2d", "scatter",    "unary tanh"};
  std::set<std::string> blamed;
  for (const std::string& failure : conformance_failures(broken)) {
    const auto found = std::find_if(guilty.begin(), guilty.end(), [&](const std::string& method) {
      return failure.rfind("[" + method, 0) == 0;
    });
    CHECK_MESSAGE(found != guilty.end(), failure);
    if (found != guilty.end()) blamed.insert(*found);
  }
  CHECK(blamed == guilty);
  PoorBackend poor;
  const std::vector<std::string> failures = conformance_failures(poor);
  for (const char* line : {"[allocate] 2^60 bytes: BackendError is due, threw: std::bad_alloc",
                           "[matmul] its checks ended early: the backend threw std::bad_alloc"}) {
    CHECK(std::count(failures.begin(), failures.end(), line) == 1);
  }
  StridelessBackend strideless;
  CHECK_FALSE(conformance_failures(strideless).empty());
}
