// The required methods. Where arithmetic is exact by IEEE 754 or order is prescribed, the numbers
// must be equal; functions may differ by some units in the last place, sums by their order.

#include "tests/conformance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/error.h"
#include "tests/conformance_tools.h"

namespace gradus {

namespace {

using namespace conformance;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr DType kFloating[] = {DType::f32, DType::f64};
// Some 10 units in the last place.
double slack(DType dtype) { return dtype == DType::f32 ? 1e-6 : 2e-15; }

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {},     {1},       {7},       {0},      {1037},          {3, 5},
      {5, 1}, {3, 0, 2}, {2, 3, 4}, {17, 66}, {2, 1, 3, 1, 2}, {2, 2, 2, 2, 2, 2, 2, 3}};
  return all;
}

void check_memory(Findings& f) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
    const std::shared_ptr<Buffer> buffer = f.mine.allocate(bytes);
    if (buffer == nullptr || buffer->bytes() < bytes) {
      f.report("allocate", fmt::format("{} bytes: got fewer", bytes));
    } else if (reinterpret_cast<std::uintptr_t>(buffer->host()) % 64 != 0) {
      f.report("allocate", "not aligned to 64 bytes");
    }
  }
  try {
    f.mine.allocate(std::size_t{1} << 60);
    f.report("allocate", "2^60 bytes did not throw BackendError");
  } catch (const BackendError&) {
  } catch (const std::exception& error) {
    f.report("allocate", std::string("2^60 bytes: BackendError is due, threw: ") + error.what());
  }
  for (const DType dtype : kAll) {
    const Array array = some_array(place({2, 700}, Placing::offset), dtype);
    const Held held = put(array, f.mine);
    f.compare(fmt::format("upload/download {}", name_of(dtype)),
              whole_memory(held, array.memory.size(), f.mine), array.memory, 0);
    for (const Shape& shape : shapes()) {
      const double value = dtype == DType::boolean ? 0 : -3;
      f.compare(named("fill", "", dtype, Layout(shape), Placing::offset),
                f.run("fill", f.mine, place(shape, Placing::offset), dtype,
                      [&](const View& out) { f.mine.fill(out, value); }),
                std::vector<double>(static_cast<std::size_t>(shape.numel()), value), 0);
    }
  }
}

// Memory of another's, aligned to its elements alone, in a buffer that keeps it alive.
void check_adopt(Findings& f) {
  const std::vector<double> values{1.5, -2, 3};
  const std::shared_ptr<float[]> memory(new float[4]{0, 1.5, -2, 3});
  const std::shared_ptr<std::byte> part(memory, reinterpret_cast<std::byte*>(&memory[1]));
  const std::size_t bytes = values.size() * sizeof(float);
  const auto holders = memory.use_count();
  const std::shared_ptr<Buffer> buffer = f.mine.adopt(part, bytes);
  if (buffer == nullptr) return;
  if (buffer->bytes() != bytes) f.report("adopt", "the buffer is of another size");
  if (memory.use_count() == holders) f.report("adopt", "the buffer does not keep the memory alive");
  std::vector<float> found(values.size());
  f.mine.download({buffer.get(), DType::f32, Layout(Shape{3})}, found.data());
  f.compare("adopt", {found.begin(), found.end()}, values, 0);
}

// x on both backends through one op; `out` is dense but for copy.
void check_unary(Findings& f, UnaryOp op, const Array& x, const Layout& out, DType to,
                 double tolerance, const std::string& what) {
  const Held on_mine = put(x, f.mine), on_oracle = put(x, f.oracle);
  f.compare(
      what, f.run(what, f.mine, out, to, [&](const View& y) { f.mine.unary(op, on_mine.view, y); }),
      f.run(what, f.oracle, out, to, [&](const View& y) { f.oracle.unary(op, on_oracle.view, y); }),
      tolerance);
}

bool takes(UnaryOp op, DType dtype) {
  if (op == UnaryOp::logical_not) return dtype == DType::boolean;
  const bool exact =
      op == UnaryOp::neg || op == UnaryOp::abs || op == UnaryOp::sign || op == UnaryOp::relu;
  return is_floating(dtype) || (exact && dtype == DType::i32);
}

bool is_exact(UnaryOp op) {
  return op <= UnaryOp::sign || op == UnaryOp::sqrt || op >= UnaryOp::floor || op == UnaryOp::relu;
}

void check_unaries(Findings& f) {
  for (int number = 1; number <= static_cast<int>(UnaryOp::logical_not); ++number) {
    const auto op = static_cast<UnaryOp>(number);
    for (const DType dtype : kAll) {
      if (!takes(op, dtype)) continue;
      const double tolerance = is_exact(op) ? 0 : slack(dtype);
      for (const Shape& shape : shapes()) {
        for (const Placing placing : kPlacings) {
          const Layout layout = place(shape, placing);
          check_unary(f, op, some_array(layout, dtype), Layout(shape), dtype, tolerance,
                      named("unary", name_of(op), dtype, layout, placing));
        }
      }
      if (!is_floating(dtype)) continue;
      // Ends and edges. NaN must come through: it is how a broken training is noticed.
      const std::vector<double> special{0,    -0.0, kInfinity, -kInfinity, kNaN, 1e-30, -1e-30,
                                        1e4,  -1e4, 80,        -80,        15,   -15,   5.5,
                                        -5.5, 0.5,  -0.5,      1,          -1};
      const Layout layout(Shape{static_cast<std::int64_t>(special.size())});
      // sin and cos of infinity are NaN by definition; of 1e4 a vector kernel keeps fewer digits.
      const bool turns = op == UnaryOp::sin || op == UnaryOp::cos;
      check_unary(f, op, make_array(layout, dtype, [&](std::uint64_t i) { return special[i]; }),
                  layout, dtype, turns ? 10 * tolerance : tolerance,
                  named("unary", name_of(op), dtype, layout, Placing::dense) + " special values");
    }
  }
}

void check_copies(Findings& f) {
  for (const DType from : kAll) {
    for (const DType to : kAll) {
      for (const Shape& shape : shapes()) {
        for (const Placing in : kPlacings) {
          for (const Placing out : {Placing::dense, Placing::reversed, Placing::gaps}) {
            const Layout layout = place(shape, in);
            check_unary(
                f, UnaryOp::copy, some_array(layout, from), place(shape, out), to, 0,
                named("copy", fmt::format("to {} from", name_of(to)).c_str(), from, layout, in));
          }
        }
      }
    }
  }
  // To boolean: x != 0, which NaN is and -0 is not. To i32: toward zero.
  const std::vector<double> edges{0, -0.0, kNaN, 1e-30, -1e-30, kInfinity, 2};
  const std::vector<double> halves{-2.75, -0.5, 0.999, 2.5, 1e6 + 0.5};
  for (const DType from : kFloating) {
    const auto array = [from](const std::vector<double>& list) {
      return make_array(Layout(Shape{static_cast<std::int64_t>(list.size())}), from,
                        [&](std::uint64_t i) { return list[i]; });
    };
    check_unary(f, UnaryOp::copy, array(edges), array(edges).layout, DType::boolean, 0,
                "copy edges to boolean");
    check_unary(f, UnaryOp::copy, array(halves), array(halves).layout, DType::i32, 0,
                "copy halves to i32");
  }
}

bool takes(BinaryOp op, DType dtype) {
  if (op >= BinaryOp::logical_and) return dtype == DType::boolean;
  if (op == BinaryOp::div || op == BinaryOp::pow) return is_floating(dtype);
  return dtype != DType::boolean || op == BinaryOp::eq || op == BinaryOp::ne;
}

void check_binary(Findings& f, BinaryOp op, const Array& a, const Array& b,
                  const std::string& what) {
  const DType to = op >= BinaryOp::eq ? DType::boolean : a.dtype;
  const auto on = [&](Backend& backend) {
    const Held x = put(a, backend), y = put(b, backend);
    return f.run(what, backend, Layout(a.layout.shape), to,
                 [&](const View& out) { backend.binary(op, x.view, y.view, out); });
  };
  f.compare(what, on(f.mine), on(f.oracle), op == BinaryOp::pow ? slack(a.dtype) : 0);
}

void check_binaries(Findings& f) {
  for (int number = 0; number <= static_cast<int>(BinaryOp::logical_or); ++number) {
    const auto op = static_cast<BinaryOp>(number);
    for (const DType dtype : kAll) {
      if (!takes(op, dtype)) continue;
      for (const Shape& shape : shapes()) {
        for (const Placing first : kPlacings) {
          for (const Placing second : kPlacings) {
            // Every pair for one shape, every placing on both sides for the others.
            const bool next = static_cast<int>(second) == (static_cast<int>(first) + 1) % 6;
            if (!next && shape != Shape{2, 3, 4}) continue;
            const Layout layout = place(shape, first);
            check_binary(
                f, op, some_array(layout, dtype, 1), some_array(place(shape, second), dtype, 2),
                named("binary", name_of(op), dtype, layout, first) + " with " + name_of(second));
          }
        }
      }
      if (!is_floating(dtype)) continue;
      // Each of these with each: signed zeros, ties, infinities, NaN on either side.
      const std::vector<double> special{0, -0.0, 1, -1, 2, 0.5, -3, kInfinity, -kInfinity, kNaN};
      const Layout square(Shape{10, 10});
      check_binary(f, op,
                   make_array(square, dtype, [&](std::uint64_t i) { return special[i / 10]; }),
                   make_array(square, dtype, [&](std::uint64_t i) { return special[i % 10]; }),
                   named("binary", name_of(op), dtype, square, Placing::dense) + " special values");
    }
  }
}

void check_select(Findings& f) {
  for (const DType dtype : kAll) {
    for (const Shape& shape : shapes()) {
      for (std::size_t i = 0; i < 6; ++i) {
        const Layout layout = place(shape, kPlacings[i]);
        const std::string what = named("select", "", dtype, layout, kPlacings[i]);
        const auto on = [&](Backend& backend) {
          const Held c = put(some_array(layout, DType::boolean, 3), backend);
          const Held a = put(some_array(place(shape, kPlacings[(i + 1) % 6]), dtype, 1), backend);
          const Held b = put(some_array(place(shape, kPlacings[(i + 3) % 6]), dtype, 2), backend);
          return f.run(what, backend, Layout(shape), dtype,
                       [&](const View& out) { backend.select(c.view, a.view, b.view, out); });
        };
        f.compare(what, on(f.mine), on(f.oracle), 0);
      }
    }
  }
}

void check_reduce(Findings& f, ReduceOp op, const Array& x, const Shape& out,
                  const std::string& what) {
  const DType to = op == ReduceOp::argmax ? DType::i32 : x.dtype;
  const auto on = [&](Backend& backend) {
    const Held held = put(x, backend);
    return f.run(what, backend, Layout(out), to,
                 [&](const View& y) { backend.reduce(op, held.view, y); });
  };
  // A sum of n numbers up to 3: rounded at each step at worst, in the square root of that mostly.
  const double n = static_cast<double>(x.layout.shape.numel()) /
                   static_cast<double>(std::max<std::int64_t>(out.numel(), 1));
  f.compare(what, on(f.mine), on(f.oracle), op == ReduceOp::sum ? slack(x.dtype) : 0,
            1 + std::sqrt(n));
}

void check_reductions(Findings& f) {
  std::vector<Shape> list = shapes();
  for (const Shape& more : {Shape{70, 300}, Shape{3, 40, 50}, Shape{20011}}) list.push_back(more);
  for (const ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min, ReduceOp::argmax}) {
    for (const DType dtype : kFloating) {
      for (const Shape& shape : list) {
        for (unsigned reduced = 0; reduced < 1U << shape.rank(); ++reduced) {
          if (op == ReduceOp::argmax && __builtin_popcount(reduced) != 1) continue;
          if (shape.rank() > 5 && reduced % 37 != 0) continue;  // some of 256
          Shape out = shape;
          for (int axis = 0; axis < shape.rank(); ++axis) {
            if (reduced >> axis & 1) out = out.with(axis, 1);
          }
          if (op != ReduceOp::sum && shape.numel() == 0 && out.numel() > 0) continue;
          for (const Placing placing : kPlacings) {
            const bool plain = placing == Placing::dense || placing == Placing::reversed;
            if (!plain && shape.numel() > 5000) continue;  // long enough for several threads
            const Layout layout = place(shape, placing);
            // Whole numbers: ties, for argmax to break by place. A NaN here and there for max, min.
            Array x = op == ReduceOp::sum
                          ? some_array(layout, dtype)
                          : make_array(layout, dtype, [&](std::uint64_t i) {
                              const double v = some_number(DType::i32, i);
                              return op != ReduceOp::argmax && i % 37 == 36 ? kNaN : v;
                            });
            check_reduce(
                f, op, x, out,
                named("reduce", name_of(op), dtype, layout, placing) + " to " + to_string(out));
          }
        }
      }
    }
  }
  const Array lowest = make_array(Layout({2, 40}), DType::f32,
                                  [](std::uint64_t i) { return i % 3 == 0 ? kNaN : -kInfinity; });
  check_reduce(f, ReduceOp::argmax, lowest, {2, 1}, "reduce argmax of NaN and -inf");
}

void check_matmul(Findings& f) {
  struct Case {
    Shape a, b;
  };
  const std::vector<Case> cases{{{1, 1}, {1, 1}},
                                {{3, 4}, {4, 5}},
                                {{1, 67}, {67, 1}},
                                {{33, 1}, {1, 35}},
                                {{70, 65}, {65, 66}},
                                {{2, 3, 4}, {2, 4, 2}},
                                {{2, 3, 5, 7}, {2, 3, 7, 2}},
                                {{130, 3}, {3, 129}},
                                {{5, 300}, {300, 4}},
                                {{0, 3}, {3, 2}},
                                {{2, 0}, {0, 3}},
                                {{2, 3}, {3, 0}},
                                {{0, 2, 3}, {0, 3, 2}},
                                {{3, 2, 0}, {3, 0, 2}}};
  for (const DType dtype : kFloating) {
    for (const auto& [sa, sb] : cases) {
      for (const Placing pa : kPlacings) {
        for (const Placing pb : kPlacings) {
          // Every pair of placings for small products, equal ones for large.
          if (pa != pb && sa.numel() > 100) continue;
          const Layout a = place(sa, pa);
          const std::string what =
              named("matmul", "", dtype, a, pa) + " with " + to_string(sb) + " " + name_of(pb);
          const Shape shape = sa.with(-1, sb[-1]);
          const Layout b = place(sb, pb);
          const auto on = [&](Backend& backend) {
            const Held x = put(some_array(a, dtype, 1), backend);
            const Held y = put(some_array(b, dtype, 2), backend);
            return f.run(what, backend, Layout(shape), dtype,
                         [&](const View& out) { backend.matmul(x.view, y.view, out); });
          };
          // k products up to 9. Five times the usual slack: one number added k times over (scalar)
          // is rounded the same way each time.
          f.compare(what, on(f.mine), on(f.oracle), 5 * slack(dtype),
                    9 * std::sqrt(1 + static_cast<double>(sa[-1])));
        }
      }
    }
  }
}

}  // namespace

std::vector<std::string> conformance_failures(Backend& backend) {
  struct Part {
    const char* method;
    void (*check)(Findings&);
  };
  const Part parts[] = {
      {"allocate", check_memory},   {"adopt", check_adopt},     {"unary", check_unaries},
      {"copy", check_copies},       {"binary", check_binaries}, {"select", check_select},
      {"reduce", check_reductions}, {"matmul", check_matmul},   {"gather, scatter", check_rows},
      {"offers", check_offers},     {"offers", check_fused}};
  Findings findings(backend);
  for (const auto& [method, check] : parts) {
    try {
      check(findings);
    } catch (const std::exception& error) {
      findings.failures.push_back(
          fmt::format("[{}] its checks ended early: the backend threw {}", method, error.what()));
    }
  }
  return findings.failures;
}

}  // namespace gradus
