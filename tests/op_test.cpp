// Runs the table of operations (op_table.h) on every backend.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <regex>
#include <set>
#include <sstream>

#include "autograd/autograd.h"
#include "autograd/ops.h"
#include "tensor/random.h"
#include "tests/op_table.h"

using namespace gradus;

namespace {

const std::vector<std::string> kBackends{"reference", "cpu"};

// A value and the gradients of sum(value * fixed weights) with respect to the floating inputs.
struct Result {
  Shape shape;
  std::vector<double> value;
  std::vector<std::vector<double>> gradients;
};

Result run(const OpRow& row, std::vector<Tensor> inputs) {
  const bool differentiable = row.derivatives != Derivatives::none;
  std::vector<Tensor> leaves;
  for (Tensor& x : inputs) {
    if (!differentiable || !is_floating(x.dtype())) continue;
    x.set_requires_grad();
    leaves.push_back(x);
  }
  const Tensor y = row.f(inputs);
  Result result{y.shape(), y.to_vector<double>(), {}};
  if (!differentiable || !y.requires_grad()) return result;
  const Tensor weights = cast(uniform_stream({3, 0}, y.shape(), y.backend()), y.dtype()) + 0.5;
  for (const Tensor& g : grad({y}, leaves, {.gradient = weights})) {
    result.gradients.push_back(g.to_vector<double>());
  }
  return result;
}

// Empty if equal within `tolerance` times the largest number that is expected (at least 1): sums
// are rounded in proportion to their largest term.
std::string difference(const std::vector<double>& found, const std::vector<double>& expected,
                       double tolerance) {
  if (found.size() != expected.size()) {
    return fmt::format("{} numbers, expected {}", found.size(), expected.size());
  }
  double largest = 1;
  for (double e : expected) largest = std::max(largest, std::isfinite(e) ? std::abs(e) : 0);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool same = found[i] == expected[i] ||  // infinities too
                      std::abs(found[i] - expected[i]) <= tolerance * largest;
    if (!same) return fmt::format("number {} is {}, expected {}", i, found[i], expected[i]);
  }
  return "";
}

void check_same(const Result& found, const Result& expected, double tolerance) {
  CHECK(to_string(found.shape) == to_string(expected.shape));
  CHECK(difference(found.value, expected.value, tolerance) == "");
  REQUIRE(found.gradients.size() == expected.gradients.size());
  for (std::size_t i = 0; i < found.gradients.size(); ++i) {
    INFO("gradient " << i);
    CHECK(difference(found.gradients[i], expected.gradients[i], tolerance) == "");
  }
}

// The same numbers laid out otherwise: axes in memory in the reverse order, or every second
// element of memory whose other elements are NaN (1 for i32 and boolean), which no op may read.
Tensor reversed_axes(const Tensor& x) {
  std::vector<int> axes;
  for (int axis = x.rank() - 1; axis >= 0; --axis) axes.push_back(axis);
  return permute(contiguous(permute(x, axes)), axes);
}

Tensor with_gaps(const Tensor& x) {
  if (x.rank() == 0) return select(with_gaps(unsqueeze(x, 0)), 0, 0);
  const double gap = is_floating(x.dtype()) ? std::numeric_limits<double>::quiet_NaN() : 1;
  const Tensor gaps = full(x.shape(), gap, {x.dtype(), &x.backend()});
  const Tensor woven = flatten(stack({gaps, x}, -1), -2, -1);  // gap, x, gap, x, ..
  return slice(woven, -1, 1, {}, 2);
}

template <class F>
void for_each_case(F f) {
  for (const OpRow& row : op_table()) {
    for (const Shapes& shapes : row.shapes) {
      std::string name = row.name + " of";
      for (const Shape& shape : shapes) name += " " + to_string(shape);
      INFO(name);
      f(row, shapes);
    }
  }
}

// f64: the two sides may add in another order: some 1e-16 a term, times a conditioning of up to
// 1e3 here (divisions by 0.1). f32: the same with 6e-8 a rounding.
constexpr double kTight = 1e-12;
constexpr double kLoose = 1e-4;

}  // namespace

TEST_CASE("every op agrees with the reference backend in f64, on any layout, and with f32") {
  Backend& reference = backend("reference");
  for_each_case([&](const OpRow& row, const Shapes& shapes) {
    const Result expected = run(row, make_inputs(row, shapes, DType::f64, reference));
    for (double value : expected.value) CHECK(std::isfinite(value));
    for (const std::string& name : kBackends) {
      for (const DType dtype : {DType::f64, DType::f32}) {
        INFO("on " << name << " in " << std::string(name_of(dtype)));
        const double tolerance = dtype == DType::f64 ? kTight : kLoose;
        std::vector<Tensor> inputs = make_inputs(row, shapes, dtype, backend(name));
        check_same(run(row, inputs), expected, tolerance);
        for (const auto layout : {reversed_axes, with_gaps}) {
          INFO((layout == with_gaps ? "with gaps" : "axes reversed"));
          std::vector<Tensor> strided;
          for (const Tensor& x : inputs) strided.push_back(layout(x.detach()));
          check_same(run(row, strided), expected, tolerance);
        }
      }
    }
  });
}

TEST_CASE("every op's gradient passes gradcheck on every backend") {
  for_each_case([](const OpRow& row, const Shapes& shapes) {
    if (row.derivatives == Derivatives::none) return;
    for (const std::string& name : kBackends) {
      INFO("on " << name);
      const auto report = gradcheck(row.f, make_inputs(row, shapes, DType::f64, backend(name)));
      CHECK_MESSAGE(report.ok, report.text);
    }
  });
}

TEST_CASE("every op's gradient can be differentiated again") {
  for_each_case([](const OpRow& row, const Shapes& shapes) {
    if (row.derivatives != Derivatives::twice) return;
    for (const std::string& name : kBackends) {
      INFO("on " << name);
      const auto report = gradgradcheck(row.f, make_inputs(row, shapes, DType::f64, backend(name)));
      CHECK_MESSAGE(report.ok, report.text);
    }
  });
}

TEST_CASE("every op in the public headers has a row") {
  std::set<std::string> rows;
  for (const OpRow& row : op_table()) rows.insert(row.name.substr(0, row.name.find(": ")));
  const std::regex declaration(
      R"(^(Tensor&?|std::vector<Tensor>|Windows|Sorted) (operator\S+|\w+)\()");
  int found = 0;
  for (const std::string header : {"ops.h", "segments.h", "attention.h"}) {
    std::ifstream in(std::string(GRADUS_TEST_DATA) + "/../autograd/" + header);
    REQUIRE(in);
    for (std::string line; std::getline(in, line);) {
      std::smatch match;
      if (!std::regex_search(line, match, declaration)) continue;
      ++found;
      CHECK_MESSAGE(rows.count(match[2].str()) == 1, match[2].str()
                                                         << " of " << header << " has no row");
    }
  }
  CHECK(found > 95);  // the pattern still finds declarations
}
