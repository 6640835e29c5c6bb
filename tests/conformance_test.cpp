#include "tests/conformance.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

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

// Each of these breaks one promise of the seam.
class ForgetsStrides : public ReferenceBackend {
  void unary(UnaryOp op, const View& x, const View& out) override {
    const Layout dense(x.shape());
    ReferenceBackend::unary(op, {x.buffer, x.dtype, dense}, out);
  }
};
class WrongTanh : public ReferenceBackend {
  void unary(UnaryOp op, const View& x, const View& out) override {
    ReferenceBackend::unary(op == UnaryOp::tanh ? UnaryOp::erf : op, x, out);
  }
};
class WritesTooMuch : public ReferenceBackend {
  void fill(const View& out, double value) override {
    View more = out;
    more.layout = Layout(Shape{out.shape().numel() + 1});
    more.layout.offset = out.layout.offset;
    ReferenceBackend::fill(more, value);
  }
};
class ChecksRowsLate : public ReferenceBackend {
  void scatter(ScatterOp op, const View& rows, const View& src, const View& table) override {
    if (table.shape().numel() > 0 && rows.shape().numel() > 0) fill(table, 0);
    ReferenceBackend::scatter(op, rows, src, table);
  }
};
class TakesAnEmptyOffer : public ReferenceBackend {
  bool log_softmax(const View&, const View&) override { return true; }
};
class ForgetsNaN : public ReferenceBackend {
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override {
    if (op != BinaryOp::max || a.dtype != DType::f64)
      return ReferenceBackend::binary(op, a, b, out);
    for (std::int64_t i = 0; i < out.shape().numel(); ++i) {
      data_of<double>(out)[i] = std::fmax(data_of<double>(a)[position(a.layout, i)],
                                          data_of<double>(b)[position(b.layout, i)]);
    }
  }
};

void check_conforms(Backend& backend) {
  for (const std::string& failure : conformance_failures(backend)) FAIL_CHECK(failure);
}

template <class Broken>
void check_found_out(const std::string& method) {
  Broken broken;
  const std::vector<std::string> failures = conformance_failures(broken);
  INFO(method);
  REQUIRE_FALSE(failures.empty());
  for (const std::string& failure : failures) CHECK(failure.find("[" + method) == 0);
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
  check_found_out<WrongTanh>("unary tanh");
  check_found_out<WritesTooMuch>("fill");
  check_found_out<ChecksRowsLate>("scatter");
  check_found_out<TakesAnEmptyOffer>("log_softmax");
  check_found_out<ForgetsNaN>("binary max");
  ForgetsStrides broken;
  CHECK_FALSE(conformance_failures(broken).empty());
}
