// The CPU backend against the reference backend: every required method, on every kind of layout.
#include <fmt/format.h>

#include <limits>

#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tests/cpu_support.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::vector<DType> kFloats{DType::f32, DType::f64};

double tolerance(DType dtype) { return dtype == DType::f64 ? 1e-13 : 1e-6; }

std::string text(const char* op, DType dtype, const Layout& layout) {
  return fmt::format(
      "{} {} {} strides {}", op, name_of(dtype), to_string(layout.shape),
      to_string(Shape(
          std::span(layout.strides.data(), layout.shape.begin() == layout.shape.end()
                                               ? 0
                                               : static_cast<std::size_t>(layout.shape.rank())))));
}

}  // namespace

TEST_CASE("cpu: unary operations agree with the reference on every layout") {
  for (DType dtype : kFloats) {
    for (int i = static_cast<int>(UnaryOp::neg); i < static_cast<int>(UnaryOp::logical_not); ++i) {
      const auto op = static_cast<UnaryOp>(i);
      const bool positive = op == UnaryOp::log || op == UnaryOp::sqrt;
      for (const Layout& layout : layouts()) {
        const Owned x = numbers(dtype, layout, positive ? 0 : -6, 6);
        compare(dtype, layout.shape, tolerance(dtype), tolerance(dtype),
                text(name_of(op), dtype, layout),
                [&](Backend& on, const View& out) { on.unary(op, x, out); });
      }
    }
  }
  for (const Layout& layout : layouts()) {
    const Owned x = numbers(DType::boolean, layout), n = numbers(DType::i32, layout, -9, 9);
    compare(DType::boolean, layout.shape, 0, 0, "not",
            [&](Backend& on, const View& out) { on.unary(UnaryOp::logical_not, x, out); });
    for (UnaryOp op : {UnaryOp::neg, UnaryOp::abs, UnaryOp::sign, UnaryOp::relu}) {
      compare(DType::i32, layout.shape, 0, 0, name_of(op),
              [&](Backend& on, const View& out) { on.unary(op, n, out); });
    }
  }
  const Owned i = numbers(DType::i32, Layout(Shape{3}));
  CHECK_THROWS_AS(cpu().unary(UnaryOp::exp, i, i), DTypeError);
}

TEST_CASE("cpu: unary operations at the edges of the numbers") {
  for (DType dtype : kFloats) {
    const double huge = dtype == DType::f64 ? 1e308 : 3e38;
    const Owned x =
        of(dtype, {kNaN,  kInfinity, -kInfinity, 0.0,  -0.0,  1.0,   -1.0,   1e-30,  -1e-30,
                   huge,  -huge,     88.7,       89.0, -87.0, -95.0, -103.0, -110.0, 709.7,
                   710.0, -700.0,    -746.0,     30.0, -30.0, 1e-3,  4.1,    -4.1});
    for (int i = static_cast<int>(UnaryOp::neg); i < static_cast<int>(UnaryOp::logical_not); ++i) {
      const auto op = static_cast<UnaryOp>(i);
      if (op == UnaryOp::gelu) continue;  // -inf * 0, and cancellation: below
      compare(dtype, x.view.shape(), tolerance(dtype) * 4, 1e-37, name_of(op),
              [&](Backend& on, const View& out) { on.unary(op, x, out); });
    }
    const Owned g = of(dtype, {kNaN, kInfinity, 0.0, 30.0, -30.0, 5.0, -5.0, 1e-20});
    compare(dtype, g.view.shape(), tolerance(dtype), tolerance(dtype), "gelu",
            [&](Backend& on, const View& out) { on.unary(UnaryOp::gelu, g, out); });
  }
}

// Results of 32 MiB are written past the caches: by lines, with ends that are none, and unaligned.
TEST_CASE("cpu: results larger than the caches") {
  const Shape shape{3008, 3001};
  const Owned x = numbers(DType::f32, Layout(shape)),
              row = numbers(DType::f32, Layout(Shape{3001}));
  const View rows{row.view.buffer, DType::f32, row.view.layout.broadcast_to(shape)};
  const auto same = [](const char* what, const Shape& of, const auto& call) {
    compare(DType::f32, of, 0, 0, what, call);
  };
  same("add", shape, [&](Backend& on, const View& out) { on.binary(BinaryOp::add, x, rows, out); });
  same("relu", shape, [&](Backend& on, const View& out) { on.unary(UnaryOp::relu, x, out); });
  same("subtract", shape,
       [&](Backend& on, const View& out) { on.binary(BinaryOp::sub, x, x, out); });
  View turned = x;
  turned.layout = x.view.layout.permuted(std::vector{1, 0});
  same("transpose", turned.shape(),
       [&](Backend& on, const View& out) { on.unary(UnaryOp::copy, turned, out); });
  View part = turned;  // rows of `out` that begin inside lines
  part.layout = turned.layout.sliced(1, 0, 3000, 1);
  same("transpose, unaligned", part.shape(),
       [&](Backend& on, const View& out) { on.unary(UnaryOp::copy, part, out); });
  same("fill", shape, [](Backend& on, const View& out) { on.fill(out, 2.5); });
}

TEST_CASE("cpu: casts and copies between any two layouts") {
  const std::vector<DType> all{DType::f32, DType::f64, DType::i32, DType::boolean};
  for (DType from : all) {
    for (DType to : all) {
      for (const Layout& layout : layouts()) {
        const Owned x = numbers(from, layout, -9, 9);
        compare(to, layout.shape, 0, 0, text("copy", from, layout),
                [&](Backend& on, const View& out) { on.unary(UnaryOp::copy, x, out); });
      }
    }
  }
  // Strided out: what is written must be right and what lies between must stay.
  for (DType to : {DType::f32, DType::f64}) {
    for (const Layout& x_layout :
         {Layout(Shape{50, 70}), Layout(Shape{70, 50}).permuted(std::vector{1, 0}),
          Layout(Shape{70}).broadcast_to({50, 70})}) {
      for (const Layout& out_layout : {Layout(Shape{50, 200}).sliced(1, 20, 90, 1),
                                       Layout(Shape{50, 150}).sliced(1, 3, 143, 2),
                                       Layout(Shape{70, 50}).permuted(std::vector{1, 0}),
                                       Layout(Shape{200, 70}).sliced(0, 9, 59, 1)}) {
        const Owned x = numbers(DType::f32, x_layout);
        Owned mine = numbers(to, out_layout, 5, 6), theirs = numbers(to, out_layout, 5, 6);
        cpu().unary(UnaryOp::copy, x, mine);
        reference().unary(UnaryOp::copy, x, theirs);
        const auto size = static_cast<std::int64_t>(mine.buffer->bytes() / size_of(to));
        mine.view.layout = theirs.view.layout = Layout(Shape{size});
        check_same(mine, theirs, text("copy to", to, out_layout));
      }
    }
  }
}

TEST_CASE("cpu: binary operations and select agree with the reference on every pair of layouts") {
  for (const Layout& a_layout : layouts()) {
    for (const Layout& b_layout : layouts()) {
      const Shape& shape = a_layout.shape;
      if (!(shape == b_layout.shape)) continue;
      for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::boolean}) {
        const Owned a = numbers(dtype, a_layout, 0.5, 5, 1), b = numbers(dtype, b_layout, 1, 4, 2);
        const Owned cond = numbers(DType::boolean, b_layout, 0, 1, 3);
        const bool boolean = dtype == DType::boolean;
        for (int i = 0; i <= static_cast<int>(BinaryOp::logical_or); ++i) {
          const auto op = static_cast<BinaryOp>(i);
          const bool compares = op >= BinaryOp::eq;
          const bool logical = op >= BinaryOp::logical_and;
          if (boolean ? !compares : logical) continue;
          compare(compares ? DType::boolean : dtype, shape, tolerance(dtype), 0,
                  text(name_of(op), dtype, a_layout),
                  [&](Backend& on, const View& out) { on.binary(op, a, b, out); });
        }
        compare(dtype, shape, 0, 0, text("select", dtype, a_layout),
                [&](Backend& on, const View& out) { on.select(cond, a, b, out); });
      }
    }
  }
}

TEST_CASE("cpu: binary operations on NaN, infinities and zeros; i32 division never traps") {
  const std::vector<double> edges{kNaN, kInfinity, -kInfinity, 0.0, -0.0, 1.0, -2.5, 7.0};
  std::vector<double> left, right;
  for (double a : edges) {
    for (double b : edges) {
      left.push_back(a);
      right.push_back(b);
    }
  }
  for (DType dtype : kFloats) {
    const Owned a = of(dtype, left), b = of(dtype, right);
    for (int i = 0; i < static_cast<int>(BinaryOp::logical_and); ++i) {
      const auto op = static_cast<BinaryOp>(i);
      compare(op >= BinaryOp::eq ? DType::boolean : dtype, a.view.shape(), tolerance(dtype), 0,
              name_of(op), [&](Backend& on, const View& out) { on.binary(op, a, b, out); });
    }
  }
  const Owned a = of(DType::i32, {7, -2147483648.0, -7}), b = of(DType::i32, {0, -1, 2});
  const Owned out = blank(DType::i32, Shape{3});
  cpu().binary(BinaryOp::div, a, b, out);
  CHECK(values(out) == std::vector<double>{0, -2147483648.0, -3});
}

TEST_CASE("cpu: one small whole exponent for all is products, to the bit, on every layout") {
  for (DType dtype : kFloats) {
    for (double number : {1.0, 2.0, 3.0, 4.0, 5.0, 0.0, -1.0, 0.5}) {
      Owned exponent = of(dtype, {number});
      const auto power = [&](const Owned& x) {
        exponent.view.layout = Layout(Shape{}).broadcast_to(x.view.shape());
        return [&](Backend& on, const View& out) { on.binary(BinaryOp::pow, x, exponent, out); };
      };
      for (const Layout& layout : layouts()) {
        const Owned x = numbers(dtype, layout, 0.5, 5, 1);
        compare(dtype, layout.shape, tolerance(dtype), 0, text("pow", dtype, layout), power(x));
      }
      const Owned edges = of(dtype, {kNaN, kInfinity, -kInfinity, 0.0, -0.0, 1.0, -2.5, 7.0});
      compare(dtype, edges.view.shape(), tolerance(dtype), 0, "pow", power(edges));
    }
  }
  // std::pow rounds once and would differ in some of these.
  const Owned x = numbers(DType::f64, Layout(Shape{1000})), three = of(DType::f64, {3});
  const Owned y = blank(DType::f64, Shape{1000}), xx = blank(DType::f64, Shape{1000});
  View exponent = three;
  exponent.layout = Layout(Shape{}).broadcast_to({1000});
  cpu().binary(BinaryOp::pow, x, exponent, y);
  cpu().binary(BinaryOp::mul, x, x, xx);
  cpu().binary(BinaryOp::mul, xx, x, xx);
  CHECK(values(y) == values(xx));
}

TEST_CASE("cpu: reductions over every set of axes agree with the reference") {
  for (DType dtype : kFloats) {
    for (const Layout& layout : layouts()) {
      const int rank = layout.shape.rank();
      const Owned x = numbers(dtype, layout);
      for (int axes = 0; axes < (1 << rank); ++axes) {
        if (rank == kMaxRank && axes % 11 != 0) continue;  // 24 of the 256 sets
        Shape shape = layout.shape;
        for (int axis = 0; axis < rank; ++axis) {
          if ((axes >> axis & 1) != 0) shape = shape.with(axis, 1);
        }
        for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min, ReduceOp::argmax}) {
          const bool one_axis = axes != 0 && (axes & (axes - 1)) == 0;
          if (op == ReduceOp::argmax && !one_axis) continue;
          // A sum of n numbers up to 3 is known to 1e-7 of the sum of their sizes.
          const double sizes = 3.0 * static_cast<double>(layout.shape.numel());
          const double absolute = sizes * (dtype == DType::f64 ? 1e-15 : 1e-7);
          compare(op == ReduceOp::argmax ? DType::i32 : dtype, shape, tolerance(dtype),
                  op == ReduceOp::sum ? absolute : 0, text(name_of(op), dtype, layout),
                  [&](Backend& on, const View& out) { on.reduce(op, x, out); });
        }
      }
    }
  }
}

TEST_CASE("cpu: reductions of NaN and infinities, ties, and a long sum of f32") {
  for (DType dtype : kFloats) {
    for (double special : {kNaN, kInfinity, -kInfinity}) {
      for (std::int64_t columns : {1, 5, 700}) {
        Owned x = numbers(dtype, Layout(Shape{101, columns}));
        dispatch_floating(dtype, [&](auto zero) {
          using T = decltype(zero);
          data_of<T>(x.view)[50 * columns + columns / 2] = static_cast<T>(special);
          data_of<T>(x.view)[60 * columns] = static_cast<T>(special);
        });
        for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min, ReduceOp::argmax}) {
          for (int axis : {0, 1}) {
            compare(op == ReduceOp::argmax ? DType::i32 : dtype, Shape{101, columns}.with(axis, 1),
                    1e-5, 1e-5, name_of(op),
                    [&](Backend& on, const View& out) { on.reduce(op, x, out); });
          }
        }
      }
    }
    const Owned same = numbers(dtype, Layout(Shape{40, 40}), 2, 2);  // ties: the first wins
    for (int axis : {0, 1}) {
      compare(DType::i32, Shape{40, 40}.with(axis, 1), 0, 0, "ties",
              [&](Backend& on, const View& out) { on.reduce(ReduceOp::argmax, same, out); });
    }
  }
  // 3,000,000 numbers near 0.1: one by one in f32 the sum would be off by more than 1e-3 of itself.
  const Owned tenths = numbers(DType::f32, Layout(Shape{3000000}), 0.1, 0.1000001);
  compare(DType::f32, Shape{1}, 2e-7, 0, "long sum",
          [&](Backend& on, const View& out) { on.reduce(ReduceOp::sum, tenths, out); });
}

TEST_CASE("cpu: gather and scatter agree with the reference") {
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::boolean}) {
    for (const Layout& table_layout :
         {Layout(Shape{9, 5}), Layout(Shape{5, 9}).permuted(std::vector{1, 0}), Layout(Shape{9}),
          Layout(Shape{9, 2, 3}), Layout(Shape{18, 5}).sliced(0, 1, 18, 2), Layout(Shape{1, 130}),
          Layout(Shape{301, 200}), Layout(Shape{4, 0})}) {
      const std::int64_t n = table_layout.shape[0];
      for (const Layout& rows_layout :
           {Layout(Shape{13}), Layout(Shape{4, 3}), Layout(Shape{0}),
            Layout(Shape{900}).sliced(0, 0, 900, 3), Layout(Shape{1}).broadcast_to({6})}) {
        const Owned table = numbers(dtype, table_layout);
        const Owned rows = numbers(DType::i32, rows_layout, -1, static_cast<double>(n));
        Shape shape = table_layout.shape.without(0);
        for (int axis = rows_layout.shape.rank() - 1; axis >= 0; --axis) {
          shape = shape.inserted(0, rows_layout.shape[axis]);
        }
        compare(dtype, shape, 0, 0, text("gather", dtype, table_layout),
                [&](Backend& on, const View& out) { on.gather(table, rows, out); });
        const Owned src = numbers(dtype, Layout(shape), -3, 3, 5);
        for (ScatterOp op : {ScatterOp::add, ScatterOp::assign}) {
          if (dtype == DType::boolean && op == ScatterOp::add) continue;
          compare(dtype, table_layout.shape, 0, 0, text("scatter", dtype, table_layout),
                  [&](Backend& on, const View& out) {
                    on.fill(out, 1);
                    on.scatter(op, rows, src, out);
                  });
        }
      }
    }
  }
}

// Of narrow tables many rows are one task's, so that tasks do not write to the same cache lines. Where lines of
// rows have none in common, a task has lines of its own.
TEST_CASE("cpu: scatter to narrow tables gives the same for any number of threads") {
  const int before = num_threads();
  for (const Shape& table : {Shape{7}, Shape{1000}, Shape{40, 3}, Shape{5000, 15}, Shape{99, 16}}) {
    const Shape from = table.with(0, 50000);
    const Owned rows = numbers(DType::i32, Layout(Shape{50000}), -1, static_cast<double>(table[0]));
    const Owned src = numbers(DType::f32, Layout(from), -3, 3, 5);
    for (ScatterOp op : {ScatterOp::add, ScatterOp::assign}) {
      for (int threads : {1, 2, 5}) {
        set_num_threads(threads);
        compare(DType::f32, table, 0, 0, fmt::format("{}, {} threads", to_string(table), threads),
                [&](Backend& on, const View& out) {
                  on.fill(out, 1);
                  on.scatter(op, rows, src, out);
                });
      }
    }
  }
  for (const std::int64_t width : {1, 2, 20}) {
    for (const std::int32_t stray : {-1, 100, 8999}) {  // a row in the last line that others have
      constexpr std::int64_t kLines = 300, kEach = 411;
      const Owned rows = numbers(DType::i32, Layout(Shape{kLines, kEach}), 0, 29);
      auto* row = data_of<std::int32_t>(rows.view);
      for (std::int64_t i = 0; i < kLines * kEach; ++i) {
        row[i] = row[i] == 0 ? kNoRow : row[i] + static_cast<std::int32_t>(i / kEach * 30);
      }
      row[kLines * kEach - 1] = stray;
      const Owned src = numbers(DType::f32, Layout(Shape{kLines, kEach, width}), -3, 3, 5);
      for (ScatterOp op : {ScatterOp::add, ScatterOp::assign}) {
        for (int threads : {1, 2, 5}) {
          set_num_threads(threads);
          compare(DType::f32, {9000, width}, 0, 0,
                  fmt::format("lines, width {}, stray {}, {} threads", width, stray, threads),
                  [&](Backend& on, const View& out) {
                    on.fill(out, 1);
                    on.scatter(op, rows, src, out);
                  });
        }
      }
    }
  }
  set_num_threads(before);
}

TEST_CASE("cpu: a row outside the table is named and nothing is written") {
  const Owned table = numbers(DType::f32, Layout(Shape{3, 2})),
              rows = of(DType::i32, {0, 2, 3, -2});
  const Owned out = numbers(DType::f32, Layout(Shape{4, 2}));
  const std::vector<double> before = values(table);
  CHECK_THROWS_WITH_AS(cpu().gather(table, rows, out),
                       "[gather] row 3 (number 2 of rows [4]) is outside a table of 3 rows",
                       IndexError);
  CHECK_THROWS_AS(cpu().scatter(ScatterOp::add, rows, out, table), IndexError);
  CHECK(values(table) == before);
}

TEST_CASE("cpu: fill, upload and download") {
  for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::boolean}) {
    for (std::int64_t n : {0, 1, 70001}) {
      for (const double value : {1.0, 0.0, -0.0}) {
        compare(dtype, Shape{n}, 0, 0, "fill",
                [=](Backend& on, const View& out) { on.fill(out, value); });
      }
    }
  }
  const std::vector<float> sent{1, 2, 3};
  std::vector<float> got(3);
  Owned x = blank(DType::f32, Shape{8});
  x.view.layout = x.view.layout.sliced(0, 4, 7, 1);
  cpu().upload(sent.data(), x);
  cpu().download(x, got.data());
  CHECK(got == sent);
}

TEST_CASE("cpu: memory that cannot be had is refused with the number of bytes") {
  CHECK_THROWS_WITH_AS(
      cpu().allocate(std::size_t{1} << 60),
      doctest::Contains("[allocate] no memory for 1152921504606846976 bytes: this machine has"),
      BackendError);
  CHECK_THROWS_AS(cpu().allocate(~std::size_t{0}), BackendError);
}
