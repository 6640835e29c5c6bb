// Matrix products of the CPU backend. The operands are small whole numbers, so every sum is exact
// and the result must equal the reference's, however the product is cut.
#include <fmt/format.h>

#include <limits>

#include "tensor/parallel.h"
#include "tests/cpu_support.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Owned whole_numbers(DType dtype, const Layout& layout, std::uint64_t seed) {
  Owned x = numbers(dtype, layout, -4, 5, seed);
  const auto size = static_cast<std::int64_t>(x.buffer->bytes() / size_of(dtype));
  dispatch_floating(dtype, [&](auto zero) {
    auto* data = reinterpret_cast<decltype(zero)*>(x.buffer->host());
    for (std::int64_t i = 0; i < size; ++i) data[i] = std::floor(data[i]);
  });
  return x;
}

Shape product_shape(const Shape& a, const Shape& b) { return a.with(-1, b[-1]); }

void check_product(DType dtype, const Layout& a_layout, const Layout& b_layout) {
  const Owned a = whole_numbers(dtype, a_layout, 1), b = whole_numbers(dtype, b_layout, 2);
  const Shape shape = product_shape(a_layout.shape, b_layout.shape);
  const Owned mine = blank(dtype, shape), theirs = blank(dtype, shape);
  cpu().matmul(a, b, mine);
  reference().matmul(a, b, theirs);
  check_same(mine, theirs,
             fmt::format("{} {} x {}", name_of(dtype), to_string(a_layout.shape),
                         to_string(b_layout.shape)));
}

// The ways a matrix [rows, columns] may lie in memory.
std::vector<Layout> matrices(std::int64_t rows, std::int64_t columns) {
  return {Layout(Shape{rows, columns}),
          Layout(Shape{columns, rows}).permuted(std::vector{1, 0}),
          Layout(Shape{rows, columns + 5}).sliced(1, 2, columns + 2, 1),
          Layout(Shape{columns, rows + 5}).permuted(std::vector{1, 0}).sliced(0, 1, rows + 1, 1),
          Layout(Shape{rows, 2 * columns}).sliced(1, 0, 2 * columns, 2),
          Layout(Shape{columns}).broadcast_to({rows, columns}),
          Layout(Shape{rows, 1}).broadcast_to({rows, columns})};
}

}  // namespace

TEST_CASE("cpu: matrix products of any sizes and layouts") {
  for (DType dtype : {DType::f32, DType::f64}) {
    for (std::int64_t m : {0, 1, 2, 17, 130}) {
      for (std::int64_t n : {0, 1, 2, 3, 33}) {
        for (std::int64_t k : {0, 1, 5, 64}) {
          for (const Layout& a : matrices(m, k)) {
            for (const Layout& b : matrices(k, n)) check_product(dtype, a, b);
          }
        }
      }
    }
  }
}

// More rows, columns and numbers in a sum than are packed at a time: each panel is full.
TEST_CASE("cpu: matrix products that fill the packed panels") {
  for (DType dtype : {DType::f32, DType::f64}) {
    for (const Layout& a : matrices(100, 260)) {
      for (const Layout& b : matrices(260, 40)) check_product(dtype, a, b);
    }
  }
  check_product(DType::f32, Layout(Shape{300, 100}).permuted(std::vector{1, 0}),
                Layout(Shape{300, 1100}));
}

// One more and one less than fills a tile, a block of four and a step of the sum.
TEST_CASE("cpu: matrix products at the edges of tiles") {
  for (std::int64_t m : {15, 16, 17, 31, 33, 48}) {
    for (std::int64_t n : {15, 16, 17, 31, 33, 48}) {
      for (std::int64_t k : {16, 17, 31, 33, 63, 257}) {
        check_product(DType::f32, Layout(Shape{m, k}), Layout(Shape{k, n}));
        check_product(DType::f32, Layout(Shape{k, m}).permuted(std::vector{1, 0}),
                      Layout(Shape{n, k}).permuted(std::vector{1, 0}));
      }
    }
  }
  check_product(DType::f32, Layout(Shape{20, 40}), Layout(Shape{40, 1200}));
}

TEST_CASE("cpu: matrix products that are cut into tiles, also along k") {
  check_product(DType::f32, Layout(Shape{600, 70}), Layout(Shape{70, 1100}));
  check_product(DType::f32, Layout(Shape{5, 9001}), Layout(Shape{9001, 11}));
  check_product(DType::f64, Layout(Shape{9001, 5}).permuted(std::vector{1, 0}),
                Layout(Shape{9001, 11}));
  check_product(DType::f32, Layout(Shape{3, 5, 4100}), Layout(Shape{3, 4100, 7}));
  check_product(DType::f32, Layout(Shape{5000, 40}), Layout(Shape{40, 2}));
  check_product(DType::f32, Layout(Shape{5000, 2}).permuted(std::vector{1, 0}),
                Layout(Shape{5000, 40}));
}

TEST_CASE("cpu: products larger than the caches") {
  check_product(DType::f32, Layout(Shape{3000, 5}), Layout(Shape{5, 2816}));
  check_product(DType::f32, Layout(Shape{3000, 5}), Layout(Shape{5, 2801}));
  check_product(DType::f64, Layout(Shape{70, 256, 3}), Layout(Shape{70, 3, 256}));
  check_product(DType::f32, Layout(Shape{130, 256, 33}), Layout(Shape{130, 33, 264}));
}

// As of a single text: by dot products, whose columns are cut into parts.
TEST_CASE("cpu: products of a few rows") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    for (const std::int64_t rows : {1, 3, 4, 5}) {
      check_product(dtype, Layout(Shape{rows, 300}),
                    Layout(Shape{2500, 300}).permuted(std::vector{1, 0}));
    }
    check_product(dtype, Layout(Shape{50, 2, 40}),
                  Layout(Shape{50, 70, 40}).permuted(std::vector{0, 2, 1}));
  }
}

TEST_CASE("cpu: batched matrix products with repeated and strided operands") {
  const std::vector<int> swap{0, 2, 1, 3}, turn{0, 1, 3, 2};
  const Shape full{2, 3, 7, 5};
  const std::vector<Layout> a{Layout(full),
                              Layout(Shape{2, 7, 3, 5}).permuted(swap),
                              Layout(Shape{7, 5}).broadcast_to(full),
                              Layout(Shape{3, 7, 5}).broadcast_to(full),
                              Layout(Shape{2, 1, 7, 5}).broadcast_to(full),
                              Layout(Shape{2, 3, 5, 7}).permuted(turn),
                              Layout(Shape{2, 3, 14, 10}).sliced(2, 0, 14, 2).sliced(3, 0, 10, 2)};
  const Shape right{2, 3, 5, 4};
  const std::vector<Layout> b{Layout(right),
                              Layout(Shape{2, 5, 3, 4}).permuted(swap),
                              Layout(Shape{5, 4}).broadcast_to(right),
                              Layout(Shape{3, 5, 4}).broadcast_to(right),
                              Layout(Shape{2, 1, 5, 4}).broadcast_to(right),
                              Layout(Shape{2, 3, 4, 5}).permuted(turn),
                              Layout(Shape{4, 5}).permuted(std::vector{1, 0}).broadcast_to(right)};
  for (DType dtype : {DType::f32, DType::f64}) {
    for (const Layout& left : a) {
      for (const Layout& matrix : b) check_product(dtype, left, matrix);
    }
  }
  check_product(DType::f32, Layout(Shape{1000, 3, 4}), Layout(Shape{1000, 4, 2}));
  check_product(DType::f32, Layout(Shape{0, 3, 4}), Layout(Shape{0, 4, 2}));
  check_product(DType::f32, Layout(Shape{4, 3, 0}), Layout(Shape{4, 0, 2}));
}

TEST_CASE("cpu: NaN and infinities go through matrix products") {
  for (std::int64_t n : {1, 2, 40}) {
    Owned a = whole_numbers(DType::f32, Layout(Shape{6, 50}), 1);
    const Owned b = whole_numbers(DType::f32, Layout(Shape{50, n}), 2);
    data_of<float>(a.view)[1 * 50 + 7] = std::numeric_limits<float>::quiet_NaN();
    data_of<float>(a.view)[3 * 50 + 9] = std::numeric_limits<float>::infinity();
    const Owned mine = blank(DType::f32, Shape{6, n}), theirs = blank(DType::f32, Shape{6, n});
    cpu().matmul(a, b, mine);
    reference().matmul(a, b, theirs);
    check_same(mine, theirs, "special numbers");
  }
}
