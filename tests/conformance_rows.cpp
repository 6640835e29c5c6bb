// Rows of tables: gather and scatter.

#include <fmt/format.h>

#include "tensor/error.h"
#include "tensor/philox.h"
#include "tests/conformance_tools.h"

namespace gradus::conformance {

namespace {

Array rows_of(const Layout& layout, std::int32_t limit) {  // -1 .. limit - 1, many twice
  return make_array(layout, DType::i32, [limit](std::uint64_t i) {
    return static_cast<double>(philox(5, 0, i)[0] % static_cast<unsigned>(limit + 1)) - 1;
  });
}

struct RowsCase {
  Shape table, rows;
};

void check_row_case(Findings& f, DType dtype, const RowsCase& c, Placing placing) {
  std::vector<std::int64_t> sizes(c.rows.begin(), c.rows.end());
  sizes.insert(sizes.end(), c.table.begin() + 1, c.table.end());
  const Shape gathered(sizes);
  const Array rows = rows_of(place(c.rows, placing), static_cast<std::int32_t>(c.table[0]));
  const std::string what =
      named("gather", "", dtype, Layout(c.table), placing) + " rows " + to_string(c.rows);
  const auto gather = [&](Backend& backend) {
    const Held t = put(some_array(place(c.table, placing), dtype, 1), backend);
    const Held r = put(rows, backend);
    return f.run(what, backend, Layout(gathered), dtype,
                 [&](const View& out) { backend.gather(t.view, r.view, out); });
  };
  f.compare(what, gather(f.mine), gather(f.oracle), 0);
  for (const ScatterOp op : {ScatterOp::add, ScatterOp::assign}) {
    if (op == ScatterOp::add && dtype == DType::boolean) continue;
    const auto scatter = [&](Backend& backend) {
      const Held s = put(some_array(place(gathered, placing), dtype, 2), backend);
      const Held r = put(rows, backend);
      return f.run("scatter" + what.substr(6), backend, Layout(c.table), dtype,
                   [&](const View& out) { backend.scatter(op, r.view, s.view, out); });
    };
    // Equal to the last bit: the order is prescribed.
    f.compare((op == ScatterOp::add ? "scatter add" : "scatter assign") + what.substr(6),
              scatter(f.mine), scatter(f.oracle), 0);
  }
}

// Bags have no row that names none: of these, gather_sum refuses -1, too. An offer: false is no kernel.
void check_bad_bag(Findings& f, double bad) {
  const std::string what = fmt::format("gather_sum with row {} of 5", bad);
  const Held table = put(some_array(Shape{5, 2}, DType::f32), f.mine);
  const Held rows =
      put(make_array(Layout({3}), DType::i32, [bad](std::uint64_t i) { return i == 2 ? bad : 2; }),
          f.mine);
  const Held offsets = put(
      make_array(Layout({2}), DType::i32, [](std::uint64_t i) { return i == 0 ? 0 : 3; }), f.mine);
  f.run(what, f.mine, Layout({1, 2}), DType::f32, [&](const View& out) {
    try {
      if (f.mine.gather_sum(table.view, rows.view, offsets.view, out)) {
        f.report(what, "did not throw IndexError");
      }
    } catch (const IndexError&) {
    }
  });
}

}  // namespace

void check_rows(Findings& f) {
  for (const double bad : {5.0, -1.0}) check_bad_bag(f, bad);
  for (const DType dtype : kAll) {
    for (const RowsCase& c : {RowsCase{{5, 3}, {7}},
                              {{5}, {4, 3}},
                              {{6, 2, 3}, {2, 2}},
                              {{3, 2}, {}},
                              {{4, 2}, {0}},
                              {{4, 0}, {3}},
                              {{50, 33}, {400}},
                              {{3, 1}, {5000}},
                              {{0, 2}, {3}}}) {
      if (c.table[0] == 0) continue;
      for (const Placing placing : {Placing::dense, Placing::offset, Placing::reversed,
                                    Placing::gaps, Placing::repeated, Placing::scalar}) {
        check_row_case(f, dtype, c, placing);
      }
    }
  }
  // One bad row, the last: refused before anything is written.
  for (const double bad : {5.0, -2.0, 1e9}) {
    const std::string what = fmt::format("scatter with row {} of 5", bad);
    const Held rows = put(make_array(Layout({300}), DType::i32,
                                     [bad](std::uint64_t i) { return i == 299 ? bad : 2; }),
                          f.mine);
    const Held src = put(some_array(Shape{300, 2}, DType::f32), f.mine);
    const auto refuses = [&](const char* method, auto call) {
      try {
        call();
        f.report(what, fmt::format("{} did not throw IndexError", method));
      } catch (const IndexError& error) {
        const std::string text = error.what();
        if (text.find(fmt::format("{}", bad)) == std::string::npos) {
          f.report(what, fmt::format("{}: the message does not name the row: {}", method, text));
        }
      }
    };
    for (const ScatterOp op : {ScatterOp::add, ScatterOp::assign}) {
      f.compare(what,
                f.run(what, f.mine, Layout({5, 2}), DType::f32,
                      [&](const View& out) {
                        refuses("scatter", [&] { f.mine.scatter(op, rows.view, src.view, out); });
                      }),
                std::vector<double>(10, 1), 0);
    }
    const Held table = put(some_array(Shape{5, 2}, DType::f32), f.mine);
    f.run(what, f.mine, Layout({300, 2}), DType::f32, [&](const View& out) {
      refuses("gather", [&] { f.mine.gather(table.view, rows.view, out); });
    });
  }
}

}  // namespace gradus::conformance
