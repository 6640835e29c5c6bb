#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include "gradus.h"

using namespace gradus;

TEST_CASE("scalars, rows and tables") {
  CHECK(to_string(tensor(3.5)) == "3.5");
  CHECK(to_string(tensor({1, 2, 3})) == "[1, 2, 3]");
  CHECK(to_string(tensor({{1, 2, 3}, {4, 5, 6}})) == "[[1, 2, 3],\n [4, 5, 6]]");
  CHECK(to_string(arange(3, {DType::i32})) == "[0, 1, 2]");
  CHECK(to_string(tensor({1, 0}) > 0) == "[ true, false]");
  std::ostringstream out;
  out << tensor({1, 2});
  CHECK(out.str() == "[1, 2]");
}

TEST_CASE("columns line up; blocks are set apart by a line") {
  CHECK(to_string(tensor({{1.5, -20}, {0.001, 3}})) == "[[  1.5,   -20],\n [0.001,     3]]");
  CHECK(to_string(reshape(arange(8), {2, 2, 2})) ==
        "[[[0, 1],\n  [2, 3]],\n\n [[4, 5],\n  [6, 7]]]");
}

TEST_CASE("views print what they show") {
  CHECK(to_string(transpose(tensor({{1, 2}, {3, 4}}))) == "[[1, 3],\n [2, 4]]");
}

TEST_CASE("numbers that are not") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(to_string(tensor({infinity, -infinity})) == "[ inf, -inf]");
  CHECK(to_string(tensor({0}) / 0) == "[nan]");  // whose sign bit x86 sets
  CHECK(to_string(log(tensor({-1}))) == "[nan]");
}

TEST_CASE("nothing") {
  CHECK(to_string(Tensor()) == "undefined");
  CHECK(to_string(zeros({0})) == "[]");
  CHECK(to_string(zeros({2, 0})) == "[[],\n []]");
}

TEST_CASE("long axes show both ends") {
  CHECK(to_string(arange(1000)).find("...") == std::string::npos);
  CHECK(to_string(arange(1001)) == "[   0,    1,    2, ...,  998,  999, 1000]");
  const std::string table = to_string(zeros({1000, 7}));
  CHECK(table ==
        "[[0, 0, 0, ..., 0, 0, 0],\n [0, 0, 0, ..., 0, 0, 0],\n [0, 0, 0, ..., 0, 0, 0],\n"
        " ...,\n [0, 0, 0, ..., 0, 0, 0],\n [0, 0, 0, ..., 0, 0, 0],\n"
        " [0, 0, 0, ..., 0, 0, 0]]");
  CHECK(to_string(zeros({500, 3})).find("[0, 0, 0]") != std::string::npos);  // short axes whole
}

TEST_CASE("shapes and types print; so does what is long in name only") {
  std::ostringstream out;
  out << ones({2, 3}).shape() << " " << DType::f64;
  CHECK(out.str() == "[2, 3] f64");
  CHECK(to_string(zeros({10000000, 0})).size() < 100);
  CHECK_THROWS_AS(to_string(expand(tensor(1), {std::int64_t{1} << 45})), BackendError);
}

TEST_CASE("numbers that are left out do not widen the others") {
  const Tensor x = zeros({1001});
  select(x, 0, 500).assign(tensor(-123456));
  CHECK(to_string(x) == "[0, 0, 0, ..., 0, 0, 0]");
}
