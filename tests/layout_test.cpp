// Layouts against brute force: every view is checked by listing where its elements lie.

#include "tensor/layout.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "tensor/error.h"

using namespace gradus;

namespace {

using Places = std::vector<std::int64_t>;

// Where each element lies, in row-major order: the definition, axis by axis.
void list_places(const Layout& layout, int axis, std::int64_t at, Places& places) {
  if (axis == layout.shape.rank()) return places.push_back(at);
  for (std::int64_t i = 0; i < layout.shape[axis]; ++i) {
    list_places(layout, axis + 1, at + i * layout.stride(axis), places);
  }
}

Places places_of(const Layout& layout) {
  Places places;
  list_places(layout, 0, layout.offset, places);
  return places;
}

Places count_to(std::int64_t n) {
  Places places(static_cast<std::size_t>(n));
  std::iota(places.begin(), places.end(), 0);
  return places;
}

// One of the shapes with `numel` elements (axes of size 1 among them).
Shape random_shape(std::int64_t numel, std::mt19937& random) {
  std::vector<std::int64_t> sizes;
  while (sizes.size() < 6 && (numel != 1 || random() % 3 == 0)) {
    std::vector<std::int64_t> divisors;
    for (std::int64_t d = 1; d <= numel; ++d) {
      if (numel % d == 0) divisors.push_back(d);
    }
    const std::int64_t size = divisors[random() % divisors.size()];
    sizes.push_back(size);
    numel /= size;
  }
  if (numel != 1) sizes.push_back(numel);
  return Shape(sizes);
}

// Some views of views of memory: permuted, sliced, broadcast.
Layout random_layout(std::mt19937& random) {
  Layout layout(random_shape(std::vector<std::int64_t>{1, 12, 24, 60, 64}[random() % 5], random));
  for (auto step = random() % 4; step > 0 && layout.shape.rank() > 0; --step) {
    const int axis = static_cast<int>(random() % static_cast<unsigned>(layout.shape.rank()));
    const std::int64_t size = layout.shape[axis];
    switch (random() % 3) {
      case 0: {
        std::vector<int> axes(static_cast<std::size_t>(layout.shape.rank()));
        std::iota(axes.begin(), axes.end(), 0);
        std::shuffle(axes.begin(), axes.end(), random);
        layout = layout.permuted(axes);
        break;
      }
      case 1:
        layout = layout.sliced(axis, static_cast<std::int64_t>(random() % 2) % size, size,
                               1 + static_cast<std::int64_t>(random() % 2));
        break;
      default:
        if (layout.shape.rank() < kMaxRank - 1) {
          layout = layout.broadcast_to(layout.shape.inserted(0, 2));
        }
    }
  }
  return layout;
}

// Whether any strides can say `places` in `to`. An axis of size 1 has none; of another, the stride
// must be the distance of its first two elements; then everything else follows.
bool expressible(const Places& places, const Shape& to) {
  Layout guess(to);
  guess.offset = places[0];
  std::int64_t step = 1;
  for (int axis = to.rank() - 1; axis >= 0; --axis) {
    const auto next = static_cast<std::size_t>(step);
    if (to[axis] > 1) guess.strides[static_cast<std::size_t>(axis)] = places[next] - places[0];
    step *= to[axis];
  }
  return places_of(guess) == places;
}

}  // namespace

TEST_CASE("a reshape is a view exactly where strides can say it, and then keeps every element") {
  std::mt19937 random(1);
  int views = 0, copies = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Layout from = random_layout(random);
    const Shape to = random_shape(from.shape.numel(), random);
    const auto result = from.reshaped(to);
    const Places places = places_of(from);
    INFO(to_string(from.shape) << " to " << to_string(to));
    REQUIRE(result.has_value() == expressible(places, to));
    if (result) {
      REQUIRE(result->shape == to);
      REQUIRE(places_of(*result) == places);
    }
    ++(result ? views : copies);
  }
  CHECK(views > 2000);  // both happened often
  CHECK(copies > 2000);
}

TEST_CASE("is_contiguous means element i lies at offset + i") {
  std::mt19937 random(2);
  int contiguous = 0;
  for (int i = 0; i < 5000; ++i) {
    const Layout layout = random_layout(random);
    Places expected = count_to(layout.shape.numel());
    for (std::int64_t& place : expected) place += layout.offset;
    REQUIRE(layout.is_contiguous() == (places_of(layout) == expected));
    contiguous += layout.is_contiguous();
  }
  CHECK(contiguous > 500);
  CHECK(contiguous < 4500);
}

TEST_CASE("permuted") {
  const Layout layout = Layout({2, 3}).permuted(std::vector{1, 0});
  CHECK(layout.shape == Shape{3, 2});
  CHECK(places_of(layout) == Places{0, 3, 1, 4, 2, 5});
  CHECK(places_of(Layout({2, 3}).permuted(std::vector{-2, -1})) == count_to(6));
  CHECK(Layout(Shape{}).permuted({}).shape == Shape{});
  for (const std::vector<int>& wrong : {std::vector{0}, {0, 0}, {0, 1, 2}}) {
    CHECK_THROWS_AS(Layout({2, 3}).permuted(wrong), ShapeError);
  }
  CHECK_THROWS_AS(Layout({2, 3}).permuted(std::vector{0, 2}), IndexError);
}

TEST_CASE("sliced against a loop, for every start, stop and step") {
  const Layout whole({3, 7});
  for (std::int64_t start = 0; start <= 7; ++start) {
    for (std::int64_t stop = start; stop <= 7; ++stop) {
      for (std::int64_t step = 1; step <= 8; ++step) {
        Places expected;
        for (std::int64_t row = 0; row < 3; ++row) {
          for (std::int64_t i = start; i < stop; i += step) expected.push_back(row * 7 + i);
        }
        CHECK(places_of(whole.sliced(1, start, stop, step)) == expected);
      }
    }
  }
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  CHECK(places_of(whole.sliced(0, 1, 3, most)) == Places{7, 8, 9, 10, 11, 12, 13});
  CHECK_THROWS_AS(whole.sliced(1, -1, 3, 1), IndexError);
  CHECK_THROWS_AS(whole.sliced(1, 4, 3, 1), IndexError);
  CHECK_THROWS_AS(whole.sliced(1, 0, 8, 1), IndexError);
  CHECK_THROWS_AS(whole.sliced(1, 0, 7, 0), IndexError);
  CHECK_THROWS_AS(whole.sliced(2, 0, 1, 1), IndexError);
}

TEST_CASE("broadcast_to") {
  CHECK(places_of(Layout({3}).broadcast_to({2, 3})) == Places{0, 1, 2, 0, 1, 2});
  CHECK(places_of(Layout({2, 1}).broadcast_to({2, 3})) == Places{0, 0, 0, 1, 1, 1});
  CHECK(places_of(Layout(Shape{}).broadcast_to({2})) == Places{0, 0});
  CHECK(places_of(Layout({1, 3}).broadcast_to({0, 3})).empty());
  CHECK_THROWS_AS(Layout({3}).broadcast_to({3, 2}), ShapeError);
  CHECK_THROWS_AS(Layout({2, 3}).broadcast_to({3}), ShapeError);
  CHECK_THROWS_AS(Layout({3}).broadcast_to({0}), ShapeError);
}

TEST_CASE("layouts of nothing are contiguous however they came about") {
  const Layout none = Layout({3, 0, 2}).permuted(std::vector{2, 1, 0});
  CHECK(none.is_contiguous());
  CHECK(none.reshaped({0})->shape == Shape{0});
  CHECK(none.reshaped({5, 0, 7})->shape == Shape{5, 0, 7});
}

TEST_CASE("shapes") {
  const Shape s{2, 3, 4};
  CHECK(s.rank() == 3);
  CHECK(s.numel() == 24);
  CHECK(s[-1] == 4);
  CHECK(s.axis_at(-3) == 0);
  CHECK_THROWS_AS(s[3], IndexError);
  CHECK_THROWS_AS(s[-4], IndexError);
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{0, 5}.numel() == 0);
  CHECK(s.with(1, 7) == Shape{2, 7, 4});
  CHECK(s.inserted(0, 1) == Shape{1, 2, 3, 4});
  CHECK(s.inserted(-1, 1) == Shape{2, 3, 4, 1});
  CHECK(s.inserted(3, 1) == Shape{2, 3, 4, 1});
  CHECK_THROWS_AS(s.inserted(4, 1), IndexError);
  CHECK(s.without(1) == Shape{2, 4});
  CHECK(s.without(-1) == Shape{2, 3});
  CHECK(to_string(s) == "[2, 3, 4]");
  CHECK(to_string(Shape{}) == "[]");
  CHECK(Shape{2} != Shape{2, 1});
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1}.inserted(0, 1)), ShapeError);
}

TEST_CASE("broadcast follows NumPy's rule") {
  CHECK(broadcast({2, 1}, {3}, "op") == Shape{2, 3});
  CHECK(broadcast({}, {4, 1}, "op") == Shape{4, 1});
  CHECK(broadcast({1}, {0}, "op") == Shape{0});
  CHECK(broadcast({5, 1, 2}, {3, 1}, "op") == Shape{5, 3, 2});
  CHECK_THROWS_WITH_AS(broadcast({2, 3}, {2}, "op"), doctest::Contains("[op]"), ShapeError);
  CHECK_THROWS_AS(broadcast({0}, {2}, "op"), ShapeError);
}
