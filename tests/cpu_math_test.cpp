// How exact the vector functions of the CPU backend are (backends/cpu/simd_math-inl.h).
#include <cmath>
#include <limits>
#include <vector>

#include "tests/cpu_support.h"

using namespace gradus;
using namespace gradus::test;

// The error in units of the last place, against the C library in higher precision.
TEST_CASE("cpu: accuracy of the vector functions") {
  struct Function {
    UnaryOp op;
    double low, high;
    double (*exact)(double);
    double ulp;
  };
  // All but SSE multiply and add without rounding in between.
  const bool fuses = cpu().description().find("Highway SS") == std::string::npos;
  const std::vector<Function> functions{
      {UnaryOp::exp, -87, 88, [](double x) { return std::exp(x); }, fuses ? 1 : 1.2},
      {UnaryOp::log, 1e-30, 1e-3, [](double x) { return std::log(x); }, 1},
      {UnaryOp::log, 0.1, 1000, [](double x) { return std::log(x); }, 1},
      {UnaryOp::tanh, -10, 10, [](double x) { return std::tanh(x); }, 2},
      {UnaryOp::sigmoid, -80, 80, [](double x) { return 1 / (1 + std::exp(-x)); }, 3},
      {UnaryOp::expm1, -20, 88, [](double x) { return std::expm1(x); }, 2},
      {UnaryOp::expm1, -1e-3, 1e-3, [](double x) { return std::expm1(x); }, 2},
      {UnaryOp::log1p, -0.999, 100, [](double x) { return std::log1p(x); }, 3},
      {UnaryOp::log1p, -1e-3, 1e-3, [](double x) { return std::log1p(x); }, 3},
      {UnaryOp::sin, -7, 7, [](double x) { return std::sin(x); }, 2},
      {UnaryOp::sin, -7e4, 7e4, [](double x) { return std::sin(x); }, 2},
      {UnaryOp::cos, -7, 7, [](double x) { return std::cos(x); }, 2},
      {UnaryOp::cos, -7e4, 7e4, [](double x) { return std::cos(x); }, 2},
      {UnaryOp::erf, -5, 5, [](double x) { return std::erf(x); }, 6}};
  const std::int64_t n = 200000;
  for (const Function& f : functions) {
    const Owned x = numbers(DType::f32, Layout(Shape{n}), f.low, f.high);
    const Owned y = blank(DType::f32, Shape{n});
    cpu().unary(f.op, x, y);
    double worst = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double exact = f.exact(data_of<float>(x.view)[i]);
      const float nearest = std::abs(static_cast<float>(exact));
      const double ulp = std::nextafter(nearest, INFINITY) - static_cast<double>(nearest);
      worst = std::max(worst, std::abs(data_of<float>(y.view)[i] - exact) / ulp);
    }
    CAPTURE(std::string(name_of(f.op)));
    CAPTURE(worst);
    CHECK(worst <= f.ulp);
  }
}

TEST_CASE("cpu: powers are within one f32 of the exact ones, at the edges the C library's") {
  const std::int64_t n = 200000;
  const Owned x = numbers(DType::f32, Layout(Shape{n}), 1e-6, 50);
  const Owned y = numbers(DType::f32, Layout(Shape{n}), -30, 30);
  const Owned z = blank(DType::f32, Shape{n});
  cpu().binary(BinaryOp::pow, x, y, z);
  for (std::int64_t i = 0; i < n; ++i) {
    const double exact = std::pow(double{data_of<float>(x.view)[i]}, data_of<float>(y.view)[i]);
    const float nearest = static_cast<float>(exact), found = data_of<float>(z.view)[i];
    const bool close = found == nearest || found == std::nextafter(nearest, INFINITY) ||
                       found == std::nextafter(nearest, 0.F);
    if (!close) FAIL(data_of<float>(x.view)[i], " ^ ", data_of<float>(y.view)[i], " = ", found);
  }
  // Every pair of edges.
  const std::vector<double> edges{
      0,     -0.0, 1,         -1,         2,
      -2,    0.5,  -0.5,      3,          1e-40,
      1e-37, 1e30, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()};
  std::vector<double> bases, exponents;
  for (double base : edges) {
    for (double exponent : edges) bases.push_back(base), exponents.push_back(exponent);
  }
  const Owned base = of(DType::f32, bases), exponent = of(DType::f32, exponents);
  compare(DType::f32, base.view.shape(), 1e-6, 0, "pow",
          [&](Backend& on, const View& out) { on.binary(BinaryOp::pow, base, exponent, out); });
}

TEST_CASE("cpu: functions of zeros keep the sign that the definition gives") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Owned x = of(dtype, std::vector<double>(37, -0.0));  // whole vectors and a rest
    for (const UnaryOp op : {UnaryOp::neg, UnaryOp::abs, UnaryOp::sqrt, UnaryOp::sin, UnaryOp::tanh,
                             UnaryOp::relu, UnaryOp::gelu, UnaryOp::erf, UnaryOp::expm1,
                             UnaryOp::log1p, UnaryOp::floor, UnaryOp::ceil, UnaryOp::round}) {
      const Owned expected = blank(dtype, x.view.shape()), y = blank(dtype, x.view.shape());
      reference().unary(op, x, expected);
      cpu().unary(op, x, y);
      CAPTURE(std::string(name_of(op)));
      const std::vector<double> of_cpu = values(y), of_reference = values(expected);
      for (std::size_t i = 0; i < of_cpu.size(); ++i) {
        CHECK(of_cpu[i] == 0);
        CHECK(std::signbit(of_cpu[i]) == std::signbit(of_reference[i]));
      }
    }
    const Owned negative = of(dtype, std::vector<double>(37, -0.3)), y = blank(dtype, Shape{37});
    for (const UnaryOp op : {UnaryOp::ceil, UnaryOp::round}) {  // -0, too
      cpu().unary(op, negative, y);
      CAPTURE(std::string(name_of(op)));
      for (const double value : values(y)) CHECK((value == 0 && std::signbit(value)));
    }
  }
}
