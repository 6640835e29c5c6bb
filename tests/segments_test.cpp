// Ragged batches against the same work done on each segment by itself.

#include "autograd/segments.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/autograd.h"
#include "autograd/bags.h"
#include "gradus.h"

using namespace gradus;
using Values = std::vector<double>;

namespace {

const std::vector<std::string> kBackends{"reference", "cpu"};
constexpr DType f64 = DType::f64;

Values values(const Tensor& x) { return x.to_vector<double>(); }
std::vector<std::int32_t> whole(const Tensor& x) { return x.to_vector<std::int32_t>(); }
Values part(const Tensor& x, const Segments& s, std::int64_t segment) {
  return values(slice(x, 0, s.begin(segment), s.end(segment)));
}

// Equal but for the order of some ten additions.
void check_close(const Values& found, const Values& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) < 1e-13);
}

}  // namespace

TEST_CASE("offsets say where texts begin and end") {
  const Segments s({0, 3, 3, 5});
  CHECK(s.count() == 3);
  CHECK(s.rows() == 5);
  CHECK(s.begin(2) == 3);
  CHECK(s.end(2) == 5);
  CHECK(s.size(1) == 0);
  CHECK(s.longest() == 3);
  for (const std::string& on : kBackends) {
    CHECK(whole(s.offsets_on(backend(on))) == std::vector<std::int32_t>{0, 3, 3, 5});
    CHECK(whole(s.ids_on(backend(on))) == std::vector<std::int32_t>{0, 0, 0, 2, 2});
    CHECK(whole(s.padded_rows_on(backend(on))) ==
          std::vector<std::int32_t>{0, 1, 2, -1, -1, -1, 3, 4, -1});
    CHECK(s.ids_on(backend(on)).backend().name() == on);
  }
  const Segments none({0});
  CHECK(none.count() == 0);
  CHECK(none.rows() == 0);
  CHECK(none.padded_rows_on(backend("cpu")).shape() == Shape{0, 0});
  for (const std::vector<std::int32_t>& wrong :
       {std::vector<std::int32_t>{}, {1, 2}, {0, 3, 2}, {-1, 0}}) {
    CHECK_THROWS_AS(Segments{wrong}, ShapeError);
  }
}

TEST_CASE("segment sums, means, maxima and softmax are those of each segment") {
  const Segments s({0, 4, 4, 5, 11});
  for (const std::string& on : kBackends) {
    manual_seed(4);
    const Tensor x = normal({11, 3}, 0, 2, {f64, &backend(on)});
    const Tensor total = segment_sum(x, s), average = segment_mean(x, s);
    const Tensor largest = segment_max(x, s), weights = segment_softmax(x, s);
    for (std::int64_t i = 0; i < s.count(); ++i) {
      INFO(on << " segment " << i);
      const Tensor own = slice(x, 0, s.begin(i), s.end(i));
      const auto row = [i](const Tensor& t) { return values(select(t, 0, i)); };
      check_close(row(total), values(sum(own, 0)));
      if (s.size(i) == 0) {
        CHECK(row(average) == Values(3, 0.0));
        CHECK(row(largest) == Values(3, 0.0));
        continue;
      }
      check_close(row(average), values(mean(own, 0)));
      CHECK(row(largest) == values(max(own, 0)));
      check_close(part(weights, s, i), values(softmax(own, 0)));
    }
    CHECK(values(segment_expand(total, s)).size() == 33);
    CHECK(values(select(segment_expand(total, s), 0, 4)) == values(select(total, 0, 2)));
  }
  CHECK_THROWS_AS(segment_sum(ones({10, 3}), s), ShapeError);
  CHECK_THROWS_AS(segment_max(ones({12}), s), ShapeError);
  CHECK_THROWS_AS(segment_softmax(tensor(1.0), s), ShapeError);
  CHECK_THROWS_AS(segment_expand(ones({5, 3}), s), ShapeError);
}

TEST_CASE("segment_max of a segment of -inf is -inf, of none is 0") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({-infinity, -infinity, 2});
  CHECK(values(segment_max(x, Segments({0, 2, 2, 3}))) == Values{-infinity, 0, 2});
}

TEST_CASE("windows stay within their segment") {
  const Segments s({0, 3, 3, 5});
  Backend& on = backend("cpu");
  const auto list = [&](const WindowOptions& options) {
    return whole(segment_windows(s, options, on).rows);
  };
  using Rows = std::vector<std::int32_t>;
  CHECK(list({.size = 2}) == Rows{0, 1, 1, 2, 3, 4});
  CHECK(list({.size = 3}) == Rows{0, 1, 2});  // the last text is too short
  CHECK(list({.size = 3, .padding = 1}) == Rows{-1, 0, 1, 0, 1, 2, 1, 2, -1, -1, 3, 4, 3, 4, -1});
  CHECK(list({.size = 2, .stride = 2}) == Rows{0, 1, 3, 4});
  CHECK(list({.size = 2, .stride = 2, .partial = true}) == Rows{0, 1, 2, -1, 3, 4});
  CHECK(list({.size = 2, .stride = 2, .padding = 1, .partial = true}) ==
        Rows{-1, 0, 1, 2, -1, 3, 4, -1});
  CHECK(list({.size = 3, .partial = true}) ==
        Rows{0, 1, 2, 3, 4, -1});  // one cut window at the most
  CHECK(list({.size = 2, .partial = true}) == Rows{0, 1, 1, 2, 3, 4});
  CHECK(segment_windows(s, {.size = 3, .padding = 1}, on).segments.offsets() == Rows{0, 3, 3, 5});
  CHECK_THROWS_AS(segment_windows(s, {.size = 0}, on), ShapeError);
  CHECK_THROWS_AS(segment_windows(s, {.stride = 0}, on), ShapeError);
  CHECK_THROWS_AS(segment_windows(s, {.size = 2, .padding = 2}, on), ShapeError);
}

TEST_CASE("segment_conv1d is conv1d on each segment; so is pooling") {
  const Segments s({0, 6, 6, 7, 12});
  for (const std::string& on : kBackends) {
    for (const std::int64_t step : {1, 2}) {
      manual_seed(6);
      const TensorOptions here{f64, &backend(on)};
      const Tensor x = normal({12, 3}, 0, 1, here), weight = normal({4, 3, 3}, 0, 1, here);
      const Tensor bias = normal({4}, 0, 1, here);
      const Windows w = segment_windows(s, {.size = 3, .stride = step, .padding = 1}, backend(on));
      const Tensor y = segment_conv1d(x, weight, bias, w);
      const Windows pairs = segment_windows(s, {.size = 2, .stride = 2}, backend(on));
      const Tensor pooled = segment_max_pool1d(x, pairs);
      for (std::int64_t i = 0; i < s.count(); ++i) {
        if (s.size(i) == 0) continue;
        INFO(on << " segment " << i);
        const Tensor own = unsqueeze(transpose(slice(x, 0, s.begin(i), s.end(i))), 0);
        const Tensor expected = conv1d(own, weight, bias, {.stride = step, .padding = 1});
        check_close(part(y, w.segments, i), values(transpose(select(expected, 0, 0))));
        if (s.size(i) < 2) continue;
        CHECK(part(pooled, pairs.segments, i) ==
              values(transpose(select(max_pool1d(own, 2), 0, 0))));
      }
    }
  }
}

TEST_CASE("bags know which rows they hold, and which bags hold a row") {
  const Bags bags({4, 7, 4}, {0, 2, 2, 3});
  CHECK(bags.count() == 3);
  using Rows = std::vector<std::int32_t>;
  CHECK(bags.distinct.to_vector<std::int32_t>() == Rows{4, 7});
  CHECK(bags.bags.to_vector<std::int32_t>() == Rows{0, 2, 0});
  CHECK(bags.in_rows.offsets() == Rows{0, 2, 3});

  const Tensor table = normal({8, 2}).set_requires_grad();
  const Tensor y = gather_sum(table, bags);
  CHECK(y.shape() == Shape{3, 2});
  backward(y, {.gradient = ones({3, 2})});
  CHECK(table.gradient().is_sparse());
  CHECK(table.gradient().rows().to_vector<std::int32_t>() == Rows{4, 7});
  CHECK(values(table.gradient().values()) == Values{2, 2, 1, 1});

  CHECK_THROWS_AS(Bags({0, 1}, {0, 3}), ShapeError);
  CHECK_THROWS_AS(Bags({0, 1}, {0, 2, 1}), ShapeError);
  CHECK_THROWS_AS(Bags({0, -1}, {0, 2}), IndexError);
  CHECK_THROWS_AS(gather_sum(ones({4, 2}), bags), IndexError);
  CHECK_THROWS_AS(gather_sum(tensor(1.0), bags), ShapeError);
  CHECK_THROWS_AS(gather_sum(ones({8, 2}, {.backend = &backend("reference")}), bags), BackendError);
}

TEST_CASE("segment_max needs room for the rows, not for every segment as long as the longest") {
  std::vector<std::int32_t> offsets{0, 2000};
  for (int i = 1; i <= 2000; ++i) offsets.push_back(2000 + i);
  Backend& on = backend("cpu");
  const Tensor x = ones({4000, 4}, {.backend = &on});
  on.reset_peak_memory();
  const std::size_t before = on.memory().in_use;
  CHECK(sum(segment_max(x, offsets)).item() == 4 * 2001);
  CHECK(on.memory().peak - before < 1'000'000);  // padded to the longest: 64 MB
}

TEST_CASE("segments of one size are a dense batch") {
  CHECK(Segments::equal(3, 2).offsets() == std::vector<std::int32_t>{0, 2, 4, 6});
  CHECK(Segments::equal(0, 2).rows() == 0);
  CHECK(Segments::equal(2, 0).count() == 2);
}
