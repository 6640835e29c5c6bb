#include "autograd/gradcheck.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace gradus {

namespace {

constexpr int kShown = 10;  // differences spelled out in a report

// Every call of f sees the random numbers that the first one saw.
class SameRandomNumbers {
 public:
  ~SameRandomNumbers() { set_random_state(state_); }
  Tensor call(const TensorFunction& f, const std::vector<Tensor>& inputs) const {
    set_random_state(state_);
    Tensor y = f(inputs);
    if (y.dtype() != DType::f64) {
      throw DTypeError(fmt::format("[gradcheck] the function must give f64, got {}", describe(y)));
    }
    return y;
  }

 private:
  const RandomState state_ = random_state();
};

// Fixed numbers in [0.5, 1.5).
Tensor weights_like(const Tensor& y) {
  return cast(uniform_stream({.seed = 1, .next_stream = 0}, y.shape(), y.backend()), DType::f64) +
         0.5;
}

void check_inputs(const std::vector<Tensor>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].dtype() == DType::f32) {
      throw DTypeError(fmt::format(
          "[gradcheck] input {} is {}: differences this small drown in the rounding of f32; make "
          "the inputs f64",
          i, describe(inputs[i])));
    }
  }
  if (std::ranges::none_of(inputs, [](const Tensor& x) { return x.dtype() == DType::f64; })) {
    throw DTypeError("[gradcheck] no input is f64: there is nothing to compare");
  }
}

bool is_leaf(const Tensor& x) { return x.requires_grad() && x.node()->is_leaf(); }

// f64 inputs as leaves that require gradients (those that are stay what they are).
std::vector<Tensor> as_leaves(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> leaves = inputs;
  for (Tensor& x : leaves) {
    if (x.dtype() == DType::f64 && !is_leaf(x)) x = x.detach().set_requires_grad();
  }
  return leaves;
}

// Whether the graph of y leads back to one of `leaves` that is f64, or there is one without elements.
bool depends(const Tensor& y, const std::vector<Tensor>& leaves) {
  const auto behind = nodes_behind(y);
  return std::ranges::any_of(leaves, [&](const Tensor& x) {
    return x.dtype() == DType::f64 && (x.numel() == 0 || behind.contains(x.node()->id));
  });
}

void check_depends(const char* name, bool does) {
  if (does) return;
  throw Error(
      fmt::format("[{}] the result depends on no input: the function must compute with the tensors "
                  "that it is given, or hold leaves that require gradients, as a module does, and "
                  "be given these",
                  name));
}

// Puts back, at its end, what x was at its beginning.
class PutBack {
 public:
  explicit PutBack(const Tensor& x) : x_(x), before_(compute::copy(x)) {}
  ~PutBack() { x_.assign(before_); }
  PutBack(const PutBack&) = delete;
  PutBack& operator=(const PutBack&) = delete;

 private:
  Tensor x_, before_;
};

// The gradients of sum(y * v) for the f64 ones of `inputs`; zeros where nothing was recorded.
std::vector<Tensor> gradients(const Tensor& y, const Tensor& v, const std::vector<Tensor>& inputs,
                              bool create_graph) {
  std::vector<Tensor> wanted;
  for (const Tensor& x : inputs) {
    if (x.dtype() == DType::f64) wanted.push_back(x);
  }
  if (y.requires_grad()) return grad({y}, wanted, {.gradient = v, .create_graph = create_graph});
  for (Tensor& x : wanted) x = zeros(x.shape(), {DType::f64, &x.backend()});
  return wanted;
}

// "[1, 2]" for the i-th element of a shape in row-major order.
std::string index_of(std::int64_t i, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = i % shape[axis];
    i /= shape[axis];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

struct Comparison {
  Comparison(const GradcheckOptions& o, bool connected) : options(o), depends(connected) {}

  void add(std::size_t input, const Shape& shape, std::int64_t element, double analytic,
           double numeric) {
    depends = depends || numeric != 0;
    const double difference = std::abs(analytic - numeric);
    const double allowed = options.atol + options.rtol * std::abs(numeric);
    ++compared;
    largest = std::max(largest, difference);
    if (difference <= allowed && std::isfinite(numeric)) return;  // false for NaN
    if (++wrong > kShown) return;
    lines += fmt::format(
        "\n  input {} {}, element {}: autograd {:.11g}, numeric {:.11g}; they differ by {:.3g}, "
        "allowed {:.3g} (atol {:g} + rtol {:g} * |numeric|)",
        input, to_string(shape), index_of(element, shape), analytic, numeric, difference, allowed,
        options.atol, options.rtol);
  }

  GradcheckReport report(const char* name) const {
    if (wrong == 0) {
      return {true, fmt::format("{}: {} elements agree, the largest difference is {:.3g}", name,
                                compared, largest)};
    }
    std::string text = fmt::format("{}: {} of {} elements differ", name, wrong, compared) + lines;
    if (wrong > kShown) text += fmt::format("\n  and {} more", wrong - kShown);
    return {false, text};
  }

  GradcheckOptions options;
  bool depends;  // the result on an input, as the graph or a difference shows
  int compared = 0;
  int wrong = 0;
  double largest = 0;
  std::string lines;
};

Comparison compare(const TensorFunction& f, const std::vector<Tensor>& inputs,
                   const GradcheckOptions& options) {
  const SameRandomNumbers random;
  const std::vector<Tensor> leaves = as_leaves(inputs);
  const Tensor y = random.call(f, leaves);
  const Tensor v = weights_like(y);
  Comparison comparison(options, depends(y, leaves));
  const std::vector<Tensor> analytic = gradients(y, v, leaves, /*create_graph=*/false);
  std::vector<Tensor> moved;  // leaves by writing into them: f may hold them, too
  for (const Tensor& x : inputs) {
    moved.push_back(is_leaf(x) && !x.layout().is_repeated() ? x : compute::copy(x));
  }
  std::size_t next = 0;
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    Tensor& x = moved[input];
    if (x.dtype() != DType::f64) continue;
    const PutBack put_back(x);
    const std::vector<double> found = analytic[next++].to_vector<double>();
    std::vector<double> values = x.to_vector<double>();
    const auto at = [&](std::size_t element, double value) {
      const double before = std::exchange(values[element], value);
      x.assign(from_vector(values, x.shape(), &x.backend()));
      values[element] = before;
      return sum(random.call(f, moved) * v).item();
    };
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double high = values[i] + options.eps, low = values[i] - options.eps;
      const double numeric = (at(i, high) - at(i, low)) / (high - low);  // the step as rounded
      comparison.add(input, x.shape(), static_cast<std::int64_t>(i), found[i], numeric);
    }
  }
  return comparison;
}

}  // namespace

GradcheckReport gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options) {
  check_inputs(inputs);
  const Comparison comparison = compare(f, inputs, options);
  check_depends("gradcheck", comparison.depends);
  return comparison.report("gradcheck");
}

GradcheckReport gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options) {
  check_inputs(inputs);
  const SameRandomNumbers random;
  const std::size_t count = inputs.size();
  // (inputs, v) -> all gradients of sum(v * f(inputs)), laid end to end.
  const TensorFunction first_order = [&f, &random, count](const std::vector<Tensor>& in) {
    const std::vector<Tensor> leaves =
        as_leaves({in.begin(), in.begin() + static_cast<std::ptrdiff_t>(count)});
    std::vector<Tensor> flat;
    for (const Tensor& g : gradients(random.call(f, leaves), in[count], leaves, true)) {
      flat.push_back(reshape(g, {g.numel()}));
    }
    return flat.empty() ? zeros({0}, {DType::f64, &in[count].backend()}) : concat(flat, 0);
  };
  const std::vector<Tensor> leaves = as_leaves(inputs);
  const Tensor y = random.call(f, leaves);
  check_depends("gradgradcheck", depends(y, leaves));
  std::vector<Tensor> all = inputs;
  all.push_back(weights_like(y));
  return compare(first_order, all, options).report("gradgradcheck");
}

}  // namespace gradus
