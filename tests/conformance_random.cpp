// Random numbers: those of tensor/philox.h, to the last bit.

#include <fmt/format.h>

#include "tensor/box_muller.h"
#include "tensor/philox.h"
#include "tests/conformance_tools.h"

namespace gradus::conformance {

namespace {
using Numbers = std::vector<double>;
std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
}  // namespace

void check_random(Findings& f) {
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{0}, Shape{3, 7, 2}, Shape{20011}}) {
    const std::int64_t n = shape.numel();
    Numbers uniform(at(n));
    for (std::int64_t i = 0; i < n; ++i) {
      const auto number = static_cast<std::uint64_t>(i);
      uniform[at(i)] = double{to_uniform(philox(7, 9, number / 4)[number % 4])};
    }
    bool taken = false;
    const std::string what = "uniform " + to_string(shape);
    const Numbers found = f.run(what, f.mine, Layout(shape), DType::f32,
                                [&](const View& out) { taken = f.mine.uniform(7, 9, out); });
    if (taken) f.compare(what, found, uniform, 0);
    Numbers bits(at(n));
    for (std::int64_t i = 0; i < n; ++i) {
      const auto number = static_cast<std::uint64_t>(i);
      bits[at(i)] = static_cast<std::int32_t>(philox(7, 9, number / 4)[number % 4]);
    }
    const Numbers whole = f.run(what + " bits", f.mine, Layout(shape), DType::i32,
                                [&](const View& out) { taken = f.mine.uniform(7, 9, out); });
    if (taken) f.compare(what + " bits", whole, bits, 0);
    for (const DType dtype : {DType::f32, DType::f64}) {
      const Array x = some_array(shape, dtype);
      const Numbers values = x.values();
      Numbers expected(at(n));
      for (std::int64_t i = 0; i < n; ++i) {
        expected[at(i)] = uniform[at(i)] >= double{0.3f} ? values[at(i)] / 0.7 : 0;
      }
      const Held held = put(x, f.mine);
      const std::string name = fmt::format("dropout {} {}", name_of(dtype), to_string(shape));
      const Numbers y = f.run(name, f.mine, Layout(shape), dtype, [&](const View& out) {
        taken = f.mine.dropout(held.view, 0.3, 7, 9, out);
      });
      if (taken) f.compare(name, y, expected, dtype == DType::f32 ? 1e-6 : 1e-15, 0);
      for (std::int64_t i = 0; i < n; ++i) {
        const auto pair = static_cast<std::uint64_t>(i) / 2;
        const auto block = philox(7, 9, pair / 2);
        const std::size_t first = pair % 2 * 2;
        const double number = box_muller::pair(block[first], block[first + 1])[at(i % 2)];
        expected[at(i)] = 0.5 + 2 * number;
        if (dtype == DType::f32) expected[at(i)] = static_cast<float>(expected[at(i)]);
      }
      const std::string normal = fmt::format("normal {} {}", name_of(dtype), to_string(shape));
      const Numbers z = f.run(normal, f.mine, Layout(shape), dtype,
                              [&](const View& out) { taken = f.mine.normal(7, 9, 0.5, 2, out); });
      if (taken) f.compare(normal, z, expected, 0);
    }
  }
}

}  // namespace gradus::conformance
