// Comparing a fused kernel with its definition: the same function on the CPU backend and on the
// reference backend, which takes no offers.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tensor/random.h"

namespace gradus::test {

// f(inputs) and the gradients of its product with fixed weights, on one backend.
inline std::vector<std::vector<double>> run(const TensorFunction& f,
                                            const std::vector<Tensor>& inputs, DType dtype,
                                            Backend& on) {
  std::vector<Tensor> own, wanted;
  for (const Tensor& x : inputs) {
    own.push_back(to(x, {is_floating(x.dtype()) ? dtype : x.dtype(), &on}));
    if (is_floating(x.dtype())) wanted.push_back(own.back().set_requires_grad());
  }
  manual_seed(11);
  const Tensor y = f(own);
  manual_seed(12);
  const Tensor weights = normal(y.shape(), 0, 1, {dtype, &on});
  std::vector<std::vector<double>> all{y.to_vector<double>()};
  for (const Tensor& g : grad({y}, wanted, {.gradient = weights})) {
    all.push_back(g.to_vector<double>());
  }
  return all;
}

enum class Nan { is_wrong, is_a_value };  // the same as another NaN

// f64: the two add in another order. f32: a hundred roundings of sums of thousands.
inline void check_close(const std::string& what, DType dtype, const std::vector<double>& found,
                        const std::vector<double>& expected, Nan nan = Nan::is_wrong) {
  double largest = 1, off = 0;
  REQUIRE(found.size() == expected.size());
  for (std::size_t j = 0; j < found.size(); ++j) {
    const double a = found[j], b = expected[j];
    if (a == b) continue;  // infinities too
    if (nan == Nan::is_a_value && std::isnan(a) && std::isnan(b)) continue;
    largest = std::max(largest, std::abs(b));
    off = std::isfinite(a - b) ? std::max(off, std::abs(a - b)) : kInfinity;
  }
  INFO(what << " in " << std::string(name_of(dtype)));
  CHECK(off <= (dtype == DType::f64 ? 1e-12 : 2e-5) * largest);
}

inline void check_same(const std::string& what, const TensorFunction& f,
                       const std::vector<Tensor>& inputs, Nan nan = Nan::is_wrong) {
  for (const DType dtype : {DType::f64, DType::f32}) {
    const auto found = run(f, inputs, dtype, backend("cpu"));
    const auto expected = run(f, inputs, dtype, backend("reference"));
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      check_close(what + (i == 0 ? ", value" : fmt::format(", gradient {}", i - 1)), dtype,
                  found[i], expected[i], nan);
    }
  }
}

inline Tensor some(const Shape& shape) { return normal(shape, 0, 1, {DType::f64}); }

// true with probability p.
inline Tensor some_mask(const Shape& shape, double p) { return uniform(shape) < p; }

}  // namespace gradus::test
