#include "autograd/compute.h"

#include <fmt/format.h>

#include <algorithm>

#include "autograd/autograd.h"
#include "autograd/fused.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus::compute {

namespace {

Tensor like(const Tensor& x, const Shape& shape, DType dtype) {
  return empty(shape, {dtype, &x.backend()});
}

View spread(const Tensor& x, const Shape& shape) {
  return {x.view().buffer, x.dtype(), x.layout().broadcast_to(shape)};
}

// Rows for `table`: i32, on its backend.
void check_rows(const char* op, const Tensor& rows, const Tensor& table) {
  if (rows.dtype() != DType::i32) {
    throw DTypeError(fmt::format("[{}] rows are i32, got {}; use cast()", op, describe(rows)));
  }
  if (&rows.backend() != &table.backend()) {
    throw BackendError(
        fmt::format("[{}] rows are {}, the table or source is {}: both must be on "
                    "one backend; use to()",
                    op, describe(rows), describe(table)));
  }
}

// [rows..., the table's axes but the first]
Shape gathered_shape(const char* op, const Shape& rows, const Shape& table) {
  if (table.rank() == 0) {
    throw ShapeError(fmt::format("[{}] a table needs at least one axis, got a scalar", op));
  }
  std::vector<std::int64_t> sizes(rows.begin(), rows.end());
  sizes.insert(sizes.end(), table.begin() + 1, table.end());
  return Shape(sizes);
}

}  // namespace

void check_same(const char* op, const Tensor& a, const Tensor& b) {
  if (&a.backend() != &b.backend()) {
    throw BackendError(fmt::format("[{}] a is {}, b is {}: both must be on one backend; use to()",
                                   op, describe(a), describe(b)));
  }
  if (a.dtype() != b.dtype()) {
    throw DTypeError(fmt::format("[{}] a is {}, b is {}: both must have one dtype; use cast()", op,
                                 describe(a), describe(b)));
  }
}

void check_floating(const char* op, const Tensor& x) {
  if (!is_floating(x.dtype())) {
    throw DTypeError(
        fmt::format("[{}] is defined for f32 and f64, got {}; use cast()", op, describe(x)));
  }
}

void check_taken(const char* op, bool taken) {
  if (!taken) {
    throw BackendError(
        fmt::format("[{}] the backend took the forward offer but not its gradient", op));
  }
}

View view_of(const Tensor& x) { return x.defined() ? x.view() : View{}; }

Tensor room_for_gradient(const Tensor& x) {
  return x.requires_grad() ? like(x, x.shape(), x.dtype()) : Tensor();
}

Tensor unary(UnaryOp op, const Tensor& x) {
  const bool exact = op == UnaryOp::neg || op == UnaryOp::abs || op == UnaryOp::sign ||
                     op == UnaryOp::relu;  // these are defined for i32 too
  if (op == UnaryOp::logical_not) {
    if (x.dtype() != DType::boolean) {
      throw DTypeError(fmt::format(
          "[logical_not] is defined for boolean, got {}; compare, as in x == 0", describe(x)));
    }
  } else if (exact && x.dtype() == DType::boolean) {
    throw DTypeError(fmt::format("[{}] is defined for f32, f64 and i32, got {}; use cast()",
                                 name_of(op), describe(x)));
  } else if (op != UnaryOp::copy && !exact) {
    check_floating(name_of(op), x);
  }
  if (Notes* notes = Notes::current(x.shape())) return notes->add(op, {x}, x.shape(), x.dtype());
  Tensor out = like(x, x.shape(), x.dtype());
  x.backend().unary(op, x.view(), out.view());
  return out;
}

Tensor unary_gradient(UnaryOp op, const Tensor& known, const Tensor& g) {
  if (grad_enabled()) return {};
  const Tensor dx = like(known, known.shape(), known.dtype());
  return known.backend().unary_gradient(op, known.view(), g.view(), dx.view()) ? dx : Tensor();
}

Tensor cast(const Tensor& x, DType dtype) {
  Tensor out = like(x, x.shape(), dtype);
  x.backend().unary(UnaryOp::copy, x.view(), out.view());
  return out;
}

Tensor copy(const Tensor& x) { return unary(UnaryOp::copy, x); }

Tensor contiguous(const Tensor& x) { return x.layout().is_contiguous() ? x.detach() : copy(x); }

Tensor binary(BinaryOp op, const Tensor& a, const Tensor& b) {
  check_same(name_of(op), a, b);
  const Tensor& shown = a.rank() < b.rank() ? b : a;  // the tensor, beside a number
  const bool logical = op == BinaryOp::logical_and || op == BinaryOp::logical_or;
  const bool equality = op == BinaryOp::eq || op == BinaryOp::ne;
  if (!equality && logical != (a.dtype() == DType::boolean)) {
    throw DTypeError(fmt::format("[{}] is {} boolean, got {}", name_of(op),
                                 logical ? "defined only for" : "not defined for",
                                 describe(shown)));
  }
  // Whole numbers have no quotient or power that is always a whole number.
  if (op == BinaryOp::div || op == BinaryOp::pow) check_floating(name_of(op), shown);
  const Shape shape = broadcast(a.shape(), b.shape(), name_of(op));
  const DType dtype = op >= BinaryOp::eq ? DType::boolean : a.dtype();
  if (Notes* notes = Notes::current(shape)) return notes->add(op, {a, b}, shape, dtype);
  Tensor out = like(a, shape, dtype);
  a.backend().binary(op, spread(a, shape), spread(b, shape), out.view());
  return out;
}

Tensor select(const Tensor& cond, const Tensor& a, const Tensor& b) {
  check_same("where", a, b);
  if (cond.dtype() != DType::boolean) {
    throw DTypeError(fmt::format("[where] the condition is boolean, got {}; compare, as in x != 0",
                                 describe(cond)));
  }
  if (&cond.backend() != &a.backend()) {
    throw BackendError(
        fmt::format("[where] the condition is {}, a is {}: both must be on one backend; use to()",
                    describe(cond), describe(a)));
  }
  const Shape shape = broadcast(broadcast(a.shape(), b.shape(), "where"), cond.shape(), "where");
  if (Notes* notes = Notes::current(shape)) {
    return notes->add(MapStep::Select{}, {cond, a, b}, shape, a.dtype());
  }
  Tensor out = like(a, shape, a.dtype());
  a.backend().select(spread(cond, shape), spread(a, shape), spread(b, shape), out.view());
  return out;
}

Tensor reduce(ReduceOp op, const Tensor& x, std::span<const int> axes, const char* name) {
  if (name == nullptr) name = name_of(op);
  check_floating(name, x);
  Shape shape = x.shape();
  for (int axis : axes) shape = shape.with(axis, 1);
  if (axes.empty()) {
    for (int axis = 0; axis < x.rank(); ++axis) shape = shape.with(axis, 1);
  }
  if (op != ReduceOp::sum && x.numel() == 0 && shape.numel() > 0) {
    throw ShapeError(
        fmt::format("[{}] of no elements is not defined: x {}", name, to_string(x.shape())));
  }
  Tensor out = like(x, shape, op == ReduceOp::argmax ? DType::i32 : x.dtype());
  x.backend().reduce(op, x.view(), out.view());
  return out;
}

Tensor centre_of(const Tensor& points, const Tensor& counted) {
  NoGrad off;
  Tensor centre;
  if (counted.defined()) {
    const Tensor n = gradus::sum(compute::cast(counted, points.dtype()), -2, true);
    centre = gradus::sum(where(counted, points, 0), -2, true) / maximum(n, 1);
  } else {
    const auto n = static_cast<double>(std::max<std::int64_t>(points.size(-2), 1));
    centre = gradus::sum(points, -2, true) / n;
  }
  return where(isfinite(centre), centre, 0);
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_same("matmul", a, b);
  check_floating("matmul", a);
  if (a.rank() < 2 || b.rank() < 2) {
    throw ShapeError(
        fmt::format("[matmul] needs at least two axes on each side: a {}, b {}; use "
                    "reshape() to make a vector a row or a column",
                    to_string(a.shape()), to_string(b.shape())));
  }
  const std::int64_t m = a.size(-2);
  const std::int64_t k = a.size(-1);
  const std::int64_t n = b.size(-1);
  if (b.size(-2) != k) {
    throw ShapeError(
        fmt::format("[matmul] inner sizes differ: a {} has {} columns, b {} has {} rows",
                    to_string(a.shape()), k, to_string(b.shape()), b.size(-2)));
  }
  const auto leading = [](const Tensor& x) { return x.shape().without(-1).without(-1); };
  const Shape batch = [&] {
    try {
      return broadcast(leading(a), leading(b), "matmul");
    } catch (const ShapeError&) {
      throw ShapeError(
          fmt::format("[matmul] the axes before the last two do not broadcast: a {}, b {}",
                      to_string(a.shape()), to_string(b.shape())));
    }
  }();
  const Shape shape = batch.inserted(-1, m).inserted(-1, n);
  Tensor out = like(a, shape, a.dtype());
  a.backend().matmul(spread(a, shape.with(-1, k)), spread(b, shape.with(-2, k)), out.view());
  return out;
}

Tensor gather(const Tensor& table, const Tensor& rows) {
  check_rows("gather", rows, table);
  Tensor out = like(table, gathered_shape("gather", rows.shape(), table.shape()), table.dtype());
  table.backend().gather(table.view(), rows.view(), out.view());
  return out;
}

Tensor scatter_add(const Tensor& src, const Tensor& rows, std::int64_t size) {
  check_rows("scatter_add", rows, src);
  if (src.dtype() == DType::boolean) {
    throw DTypeError(
        fmt::format("[scatter_add] booleans do not add up: src is {}; use cast()", describe(src)));
  }
  const int lead = rows.rank();
  std::vector<std::int64_t> sizes{size};
  bool fits = src.rank() >= lead;
  for (int axis = 0; axis < src.rank(); ++axis) {
    if (axis >= lead) sizes.push_back(src.size(axis));
    fits = fits && (axis >= lead || src.size(axis) == rows.size(axis));
  }
  if (!fits) {
    throw ShapeError(fmt::format("[scatter_add] src {} must begin with the axes of rows {}",
                                 to_string(src.shape()), to_string(rows.shape())));
  }
  Tensor table = zeros(Shape(sizes), src.options());
  src.backend().scatter(ScatterOp::add, rows.view(), src.view(), table.view());
  return table;
}

void assign_rows(const Tensor& table, const Tensor& rows, const Tensor& src, const char* op) {
  check_rows(op, rows, table);
  check_same(op, table, src);
  if (src.shape() != gathered_shape(op, rows.shape(), table.shape())) {
    throw ShapeError(fmt::format("[{}] src {} does not fit rows {} of table {}", op,
                                 to_string(src.shape()), to_string(rows.shape()),
                                 to_string(table.shape())));
  }
  if (table.layout().is_contiguous()) {
    table.backend().scatter(ScatterOp::assign, rows.view(), src.view(), table.view());
  } else {  // kernels write into tables without gaps
    copy_into(compute::index_put(table, rows, src), table, table.layout());
  }
}

Tensor index_put(const Tensor& table, const Tensor& rows, const Tensor& src) {
  Tensor y = copy(table);
  assign_rows(y, rows, src, "index_put");
  return y;
}

void copy_into(const Tensor& x, const Tensor& whole, const Layout& part) {
  check_same("copy_into", x, whole);
  whole.backend().unary(UnaryOp::copy, spread(x, part.shape),
                        {whole.view().buffer, whole.dtype(), part});
}

}  // namespace gradus::compute
