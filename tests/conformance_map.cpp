// Several operations in one pass, as the backend computes them one after the other, to the last bit.

#include "tests/conformance_tools.h"

namespace gradus::conformance {

namespace {

using Numbers = std::vector<double>;

// tanh(a b) where a < b, else a; and a < b, another result of the same pass.
void check_steps(Findings& f, const Shape& shape, DType dtype, Placing placing) {
  std::vector<MapStep> steps{{BinaryOp::mul, {0, 1}, dtype},
                             {UnaryOp::tanh, {-1}, dtype},
                             {BinaryOp::lt, {0, 1}, DType::boolean},
                             {MapStep::Select{}, {-3, -2, 0}, dtype}};
  const Held a = put(some_array(shape, dtype), f.mine);
  const Held b = put(some_array(place(shape, placing), dtype, 1), f.mine);
  const Held product = put(some_array(shape, dtype), f.mine),
             above = put(some_array(shape, dtype), f.mine);
  const Held less = put(some_array(shape, DType::boolean), f.mine);
  const std::string what = named("map", "tanh(a b)", dtype, b.view.layout, placing);
  const Numbers expected =
      f.run(what + " by operations", f.mine, Layout(shape), dtype, [&](const View& out) {
        f.mine.binary(BinaryOp::mul, a.view, b.view, product.view);
        f.mine.unary(UnaryOp::tanh, product.view, above.view);
        f.mine.binary(BinaryOp::lt, a.view, b.view, less.view);
        f.mine.select(less.view, above.view, a.view, out);
      });
  bool taken = false;
  const Numbers found = f.run(what, f.mine, Layout(shape), dtype, [&](const View& out) {
    steps[3].out = out;
    taken = f.mine.map(steps, std::vector<View>{a.view, b.view});
  });
  if (!taken) return;
  f.compare(what, found, expected, 0);
  // `out` holds a until the last step, which reads it last, writes over it.
  const Numbers in_place =
      f.run(what + " in place", f.mine, Layout(shape), dtype, [&](const View& out) {
        f.mine.unary(UnaryOp::copy, a.view, out);
        steps[3].out = out;
        f.mine.map(steps, std::vector<View>{out, b.view});
      });
  f.compare(what + " in place", in_place, expected, 0);
  const auto mask = [&](const char* how, auto call) {
    return f.run(what + how, f.mine, Layout(shape), DType::boolean, call);
  };
  const Numbers is_less = mask(" where, by operations", [&](const View& out) {
    f.mine.unary(UnaryOp::copy, less.view, out);
  });
  const Numbers noted = mask(" where", [&](const View& out) {
    steps[2].out = out;
    steps[3].out = above.view;
    f.mine.map(steps, std::vector<View>{a.view, b.view});
  });
  f.compare(what + " where", noted, is_less, 0);
  const Numbers beside =
      f.run(what + " beside it", f.mine, Layout(shape), dtype,
            [&](const View& out) { f.mine.unary(UnaryOp::copy, above.view, out); });
  f.compare(what + " beside it", beside, expected, 0);
}

}  // namespace

void check_map(Findings& f) {
  for (const Shape& shape : {Shape{}, Shape{0, 3}, Shape{5, 7}, Shape{3, 40, 129}, Shape{20011}}) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      for (const Placing placing : kPlacings) check_steps(f, shape, dtype, placing);
    }
  }
}

}  // namespace gradus::conformance
