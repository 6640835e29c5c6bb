// Offers whose definitions are long as plain loops: values and gradients beside the same operation on the
// reference backend, which takes no offers, in f64.
#include <fmt/format.h>

#include <functional>

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "autograd/bags.h"
#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "tests/conformance_tools.h"

namespace gradus::conformance {

namespace {

using Views = std::vector<View>;

struct Input {
  Shape shape;
  std::vector<std::int32_t> whole = {};  // its numbers, of i32; else floating ones
  bool is_whole = !whole.empty();
};

struct Offer {
  std::string method, details;
  std::vector<Input> inputs;
  Shape result;
  std::vector<Shape> kept;  // what the forward pass keeps for the gradient, besides
  // Both say whether the offer is taken. `dx`: of the floating inputs.
  std::function<bool(Backend&, const Views& x, const Views& kept, const View& y)> forward;
  std::function<bool(Backend&, const Views& x, const Views& kept, const View& y, const View& g,
                     const Views& dx)>
      gradient;  // or none
  TensorFunction definition;
};

double tolerance(DType dtype) { return dtype == DType::f32 ? 2e-5 : 1e-13; }
constexpr double kScale = 10;  // of sums of some dozen products

Array array_of(const Input& input, DType dtype, std::uint64_t salt) {
  if (!input.is_whole) return some_array(input.shape, dtype, salt);
  return make_array(Layout(input.shape), DType::i32,
                    [&](std::uint64_t i) { return input.whole[static_cast<std::size_t>(i)]; });
}

// The array's numbers, as its dtype has them, for the definition.
Tensor tensor_of(const Array& array, Backend& on) {
  const Tensor wide = from_vector(array.values(), array.layout.shape, &on);
  if (!is_floating(array.dtype)) return cast(wide, array.dtype);
  return cast(cast(wide, array.dtype), DType::f64);
}

Array array_of(const Tensor& values, DType dtype) {
  const std::vector<double> all = values.to_vector<double>();
  return make_array(Layout(values.shape()), dtype,
                    [&](std::uint64_t i) { return all[static_cast<std::size_t>(i)]; });
}

void check_offer(Findings& f, const Offer& offer, DType dtype) {
  const std::string what = fmt::format("{} {} {}", offer.method, name_of(dtype), offer.details);
  std::vector<Held> memory;
  const auto hold = [&](const Array& array) {
    return memory.emplace_back(put(array, f.mine)).view;
  };
  Views x, kept, dx;
  std::vector<Tensor> inputs, wanted;
  for (const Input& input : offer.inputs) {
    const Array array = array_of(input, dtype, inputs.size());
    x.push_back(hold(array));
    inputs.push_back(tensor_of(array, f.oracle));
    if (!is_floating(array.dtype)) continue;
    wanted.push_back(inputs.back().set_requires_grad());
    dx.push_back(hold(some_array(input.shape, dtype)));
  }
  for (const Shape& shape : offer.kept) kept.push_back(hold(some_array(shape, dtype)));
  const Tensor expected = offer.definition(inputs);
  bool taken = false;
  const std::vector<double> y =
      f.run(what, f.mine, Layout(offer.result), dtype,
            [&](const View& out) { taken = offer.forward(f.mine, x, kept, out); });
  if (!taken) return;
  f.compare(what, y, expected.to_vector<double>(), tolerance(dtype), kScale);
  if (!offer.gradient) return;
  const Array g = some_array(offer.result, dtype, 9);
  const View g_view = hold(g), y_view = hold(array_of(expected, dtype));
  const std::vector<Tensor> gradients =
      grad({expected}, wanted, {.gradient = tensor_of(g, f.oracle)});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::string of = fmt::format("{} gradient {}", what, i);
    const std::vector<double> found =
        f.run(of, f.mine, Layout(wanted[i].shape()), dtype, [&](const View& out) {
          Views all = dx;
          all[i] = out;
          if (!offer.gradient(f.mine, x, kept, y_view, g_view, all)) {
            f.report(of, "the forward offer is taken, its gradient is not");
          }
        });
    f.compare(of, found, gradients[i].to_vector<double>(), tolerance(dtype), kScale);
  }
}

Offer linear_offer(UnaryOp f) {
  return {
      "linear",
      name_of(f),
      {{{7, 5}}, {{4, 5}}, {{4}}},
      {7, 4},
      {},
      [f](Backend& on, const Views& x, const Views&, const View& y) {
        return on.linear(x[0], x[1], x[2], f, y);
      },
      [f](Backend& on, const Views& x, const Views&, const View& y, const View& g,
          const Views& dx) { return on.linear_gradient(x[0], x[1], f, y, g, dx[0], dx[1], dx[2]); },
      [f](const std::vector<Tensor>& in) { return linear(in[0], in[1], in[2], f); }};
}

Offer distance_offer(const Shape& a, const Shape& b, const Shape& result) {
  return {"squared_distance",
          to_string(result),
          {{a}, {b}},
          result,
          {},
          [](Backend& on, const Views& x, const Views&, const View& y) {
            return on.squared_distance(x[0], x[1], y);
          },
          {},
          [](const std::vector<Tensor>& in) {
            return sum(square(unsqueeze(in[0], -2) - unsqueeze(in[1], -3)), -1);
          }};
}

// The gradient is all of this offer; what is known of x is x itself, or y.
Offer unary_offer(UnaryOp op, bool knows_y, Tensor (*definition)(const Tensor&)) {
  const auto slope = [op](Backend& on, const View& known, const View& g, const View& dx) {
    return on.unary_gradient(op, known, g, dx);
  };
  return {"unary_gradient",
          name_of(op),
          {{{3, 11}}},
          {3, 11},
          {{3, 11}},
          [=](Backend& on, const Views& x, const Views& kept, const View& y) {
            if (!slope(on, x[0], x[0], kept[0])) return false;
            on.unary(op, x[0], y);
            return true;
          },
          [=](Backend& on, const Views& x, const Views&, const View& y, const View& g,
              const Views& dx) { return slope(on, knows_y ? y : x[0], g, dx[0]); },
          [definition](const std::vector<Tensor>& in) { return definition(in[0]); }};
}

Offer conv2d_offer(const Shape& x, const Shape& weight, const Shape& y, const Size2d& stride,
                   const Size2d& padding) {
  return {
      "conv2d",
      fmt::format("{} {}", to_string(x), to_string(weight)),
      {{x}, {weight}, {{weight[0]}}},
      y,
      {},
      [=](Backend& on, const Views& in, const Views&, const View& out) {
        return on.conv2d(in[0], in[1], in[2], stride, padding, out);
      },
      [=](Backend& on, const Views& in, const Views&, const View&, const View& g, const Views& dx) {
        return on.conv2d_gradient(in[0], in[1], stride, padding, g, dx[0], dx[1], dx[2]);
      },
      [=](const std::vector<Tensor>& in) {
        return conv2d(in[0], in[1], in[2], {.stride = stride, .padding = padding});
      }};
}

Offer max_pool2d_offer(const Shape& x, const Shape& y, const Size2d& size, const Size2d& stride) {
  return {
      "max_pool2d",
      to_string(x),
      {{x}},
      y,
      {},
      [=](Backend& on, const Views& in, const Views&, const View& out) {
        return on.max_pool2d(in[0], size, stride, out);
      },
      [=](Backend& on, const Views& in, const Views&, const View& out, const View& g,
          const Views& dx) { return on.max_pool2d_gradient(in[0], size, stride, out, g, dx[0]); },
      [=](const std::vector<Tensor>& in) { return max_pool2d(in[0], size, stride); }};
}

Offer batch_norm_offer(const Shape& x) {
  constexpr double kEpsilon = 1e-3;
  const Shape channels{x[1]};
  return {"batch_norm",
          to_string(x),
          {{x}, {channels}, {channels}},
          x,
          {channels, channels},
          [](Backend& on, const Views& in, const Views& kept, const View& y) {
            return on.batch_norm(in[0], in[1], in[2], kEpsilon, y, kept[0], kept[1]);
          },
          [](Backend& on, const Views& in, const Views& kept, const View&, const View& g,
             const Views& dx) {
            return on.batch_norm_gradient(in[0], in[1], kept[0], kept[1], kEpsilon, g, dx[0], dx[1],
                                          dx[2]);
          },
          [](const std::vector<Tensor>& in) {
            return batch_norm_training(in[0], in[1], in[2], kEpsilon).y;
          }};
}

Offer cross_entropy_offer(const std::vector<std::int32_t>& labels, std::int64_t classes) {
  const auto rows = std::ssize(labels);
  return {"softmax_cross_entropy",
          fmt::format("{} of {}", rows, classes),
          {{{rows, classes}}, {{rows}, labels, true}},
          {rows},
          {},
          [](Backend& on, const Views& x, const Views&, const View& y) {
            return on.softmax_cross_entropy(x[0], x[1], y);
          },
          [](Backend& on, const Views& x, const Views&, const View&, const View& g,
             const Views& dx) { return on.softmax_cross_entropy_gradient(x[0], x[1], g, dx[0]); },
          [](const std::vector<Tensor>& in) { return softmax_cross_entropy(in[0], in[1]); }};
}

Offer gather_sum_offer() {
  const std::vector<std::int32_t> rows{4, 0, 4, 2, 1, 1}, offsets{0, 3, 3, 5, 6};
  return {"gather_sum",
          "",
          {{{5, 7}}, {{6}, rows}, {{5}, offsets}},
          {4, 7},
          {},
          [](Backend& on, const Views& x, const Views&, const View& y) {
            return on.gather_sum(x[0], x[1], x[2], y);
          },
          {},
          [=](const std::vector<Tensor>& in) {
            return gather_sum(in[0], Bags(rows, offsets, in[0].backend()));
          }};
}

// Segments of 2, 0 and 4 rows.
Offer pool_offer(std::int64_t heads, std::int64_t size) {
  const std::vector<std::int32_t> offsets{0, 2, 2, 6};
  return {"pool",
          "",
          {{{6, heads}}, {{6, heads, size}}, {{4}, offsets}},
          {3, heads, size},
          {},
          [](Backend& on, const Views& x, const Views&, const View& y) {
            return on.pool(x[0], x[1], x[2], y);
          },
          [](Backend& on, const Views& x, const Views&, const View&, const View& g,
             const Views& dx) { return on.pool_gradient(x[0], x[1], x[2], g, dx[0], dx[1]); },
          [=](const std::vector<Tensor>& in) { return pool(in[0], in[1], offsets); }};
}

}  // namespace

void check_fused(Findings& f) {
  const std::vector<Offer> offers{
      linear_offer(UnaryOp::copy),
      linear_offer(UnaryOp::relu),
      linear_offer(UnaryOp::tanh),
      linear_offer(UnaryOp::sigmoid),
      distance_offer({5, 3}, {4, 3}, {5, 4}),
      distance_offer({2, 9, 70}, {2, 33, 70}, {2, 9, 33}),
      distance_offer({3, 2, 0}, {3, 2, 0}, {3, 2, 2}),
      distance_offer({0, 3}, {4, 3}, {0, 4}),
      unary_offer(UnaryOp::relu, true, relu),
      unary_offer(UnaryOp::tanh, true, tanh),
      unary_offer(UnaryOp::sigmoid, true, sigmoid),
      unary_offer(UnaryOp::gelu, false, gelu),
      cross_entropy_offer({2, 0, 1, 1, 0}, 3),
      cross_entropy_offer({39, 0, 17}, 40),
      cross_entropy_offer({}, 3),
      cross_entropy_offer({}, 0),
      conv2d_offer({2, 3, 5, 4}, {4, 3, 3, 2}, {2, 4, 3, 3}, {2, 1}, {1, 0}),
      conv2d_offer({1, 2, 1, 9}, {3, 2, 1, 3}, {1, 3, 1, 9}, 1, {0, 1}),
      conv2d_offer({1, 0, 3, 3}, {2, 0, 2, 2}, {1, 2, 2, 2}, 1, 0),
      conv2d_offer({1, 2, 3, 3}, {0, 2, 2, 2}, {1, 0, 2, 2}, 1, 0),
      conv2d_offer({1, 2, 5, 3}, {0, 2, 2, 2}, {1, 0, 2, 2}, {2, 1}, 0),
      max_pool2d_offer({2, 3, 6, 5}, {2, 3, 3, 2}, 2, 2),
      max_pool2d_offer({4, 5}, {2, 4}, {3, 2}, 1),
      batch_norm_offer({3, 2, 9}),
      batch_norm_offer({1, 4, 40}),
      batch_norm_offer({130, 5, 1}),
      gather_sum_offer(),
      pool_offer(2, 3),
      pool_offer(1, 70),
  };
  for (const Offer& offer : offers) {
    for (const DType dtype : {DType::f32, DType::f64}) check_offer(f, offer, dtype);
  }
}

}  // namespace gradus::conformance
