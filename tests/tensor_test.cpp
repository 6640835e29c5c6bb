#include "tensor/tensor.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <type_traits>
#include <utility>

#include "autograd/ops.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tests/throws.h"

using namespace gradus;
using Values = std::vector<double>;

TEST_CASE("tensors from values written out") {
  CHECK(tensor(3.5).shape() == Shape{});
  CHECK(tensor({1, 2, 3}).shape() == Shape{3});
  CHECK(tensor({3}).shape() == Shape{1});
  CHECK(tensor({{3}}).shape() == Shape{1, 1});
  CHECK(tensor({{1, 2, 3}}).shape() == Shape{1, 3});
  CHECK(tensor({{1}, {2}}).shape() == Shape{2, 1});
  CHECK(tensor({{{1, 2}}, {{3, 4}}}).shape() == Shape{2, 1, 2});
  const Tensor x = tensor({{1, 2}, {3, 4}}, {DType::f64});
  CHECK(x.dtype() == DType::f64);
  CHECK(x.to_vector<double>() == Values{1, 2, 3, 4});
  CHECK_THROWS_AS(tensor({{1, 2}, {3}}), ShapeError);
  CHECK_THROWS_AS(tensor({{1, 2}, 3}), ShapeError);
}

TEST_CASE("makers") {
  CHECK(zeros({2, 2}).to_vector<double>() == Values(4, 0.0));
  CHECK(ones({}, {DType::i32}).to_vector<std::int32_t>() == std::vector<std::int32_t>{1});
  CHECK(full({2}, -1.5).to_vector<float>() == std::vector<float>{-1.5f, -1.5f});
  CHECK(full({2}, 1, {DType::boolean}).to_vector<double>() == Values{1, 1});
  CHECK(arange(4).to_vector<double>() == Values{0, 1, 2, 3});
  CHECK(arange(0).shape() == Shape{0});
  CHECK(eye(2).to_vector<double>() == Values{1, 0, 0, 1});
  CHECK_THROWS_AS(arange(-1), ShapeError);
  CHECK_THROWS_AS(from_vector<float>({1, 2, 3}, {2, 2}), ShapeError);
  CHECK(from_vector<float>({}, {0, 3}).numel() == 0);
  CHECK(zeros({1}, {.backend = &backend("reference")}).backend().name() == "reference");
}

TEST_CASE("evenly spaced numbers, and tensors like others") {
  CHECK(arange(2, 5).to_vector<double>() == Values{2, 3, 4});
  CHECK(arange(0, 1, 0.25).to_vector<double>() == Values{0, 0.25, 0.5, 0.75});
  CHECK(arange(3, 0, -2).to_vector<double>() == Values{3, 1});
  CHECK(arange(2, 2).shape() == Shape{0});
  CHECK(arange(1, 4, 1, {DType::i32}).dtype() == DType::i32);
  CHECK(linspace(0, 1, 5).to_vector<double>() == Values{0, 0.25, 0.5, 0.75, 1});
  CHECK(linspace(2, 9, 1).to_vector<double>() == Values{2});
  // 0.1 has no end in binary: adding 0.1 up would miss the last number.
  CHECK(select(linspace(0, 0.7, 8, {DType::f64}), 0, -1).item() == 0.7);
  const Tensor x = ones({2, 1}, {DType::i32, &backend("reference")});
  CHECK(describe(zeros_like(x)) == "i32 [2, 1] on reference");
  CHECK(ones_like(x).to_vector<double>() == Values{1, 1});
  REFUSES(ShapeError, arange(0, 3, -1), "[arange] steps of -1 do not lead from 0 to 3");
  CHECK_THROWS_AS(arange(0, 3, 0), ShapeError);
  CHECK_THROWS_AS(arange(0, std::nan(""), 1), ShapeError);
  CHECK_THROWS_AS(arange(0, 1e18, 1), Error);  // more than memory holds
  REFUSES(ShapeError, linspace(0, 1, 0),
          "[linspace] cannot make 0 numbers from 0 to 1: at least 1, between finite ends");
}

TEST_CASE("std::int64_t and bool go in and come out") {
  using Longs = std::vector<std::int64_t>;
  const Longs longs{3, -2147483648, 2147483647};
  const Tensor x = from_vector(longs, {3});
  CHECK(x.dtype() == DType::i32);
  CHECK(x.to_vector<std::int64_t>() == longs);
  CHECK(tensor({3e9, -2.5}, {DType::f64}).to_vector<std::int64_t>() == Longs{3'000'000'000, -2});
  CHECK(from_span(std::span(longs).first(1), {1}).item() == 3);
  const std::vector<bool> bits{true, false, true, true};
  const Tensor mask = from_vector(bits, {2, 2});
  CHECK(mask.dtype() == DType::boolean);
  CHECK(mask.to_vector<bool>() == bits);
  CHECK(transpose(mask).to_vector<bool>() == std::vector<bool>{true, true, false, true});
  CHECK(tensor({0, 0.5}).to_vector<bool>() == std::vector<bool>{false, true});
  const bool raw[] = {false, true};
  CHECK(from_span(std::span<const bool>(raw), {2}).to_vector<double>() == Values{0, 1});
  static_assert(Element<std::int64_t> && !Element<std::uint32_t> && !Element<char>);
}

TEST_CASE("numbers that do not fit i32 are refused, not turned around") {
  const TensorOptions whole{DType::i32};
  REFUSES(DTypeError, from_vector(std::vector<std::int64_t>{1, 3'000'000'000}, {2}),
          "[from_span] 3000000000 does not fit i32, the type of whole numbers; use f64");
  REFUSES(DTypeError, full({2}, std::nan(""), whole),
          "[full] nan does not fit i32, the type of whole numbers; use f64");
  CHECK_THROWS_AS(full({2}, 3e9, whole), DTypeError);
  CHECK_THROWS_AS(tensor({1, -3e9}, whole), DTypeError);
  CHECK_THROWS_AS(arange(0, 4e9, 1e9, whole), DTypeError);
  CHECK(full({1}, -2147483648.0, whole).item() == -2147483648.0);
  CHECK(full({1}, 1.75, whole).item() == 1);  // toward zero, as every cast
  REFUSES(DTypeError, tensor({kInfinity}).to_vector<std::int64_t>(),
          "[to_vector] inf does not fit std::int64_t");
  REFUSES(DTypeError, tensor({1, std::nan("")}).to_vector<std::int32_t>(),
          "[to_vector] nan does not fit std::int32_t");
  REFUSES(DTypeError, tensor({3e9}, {DType::f64}).to_vector<std::int32_t>(),
          "[to_vector] 3000000000 does not fit std::int32_t");
  CHECK(tensor({-2147483648.5, 2147483647.5}, {DType::f64}).to_vector<std::int32_t>() ==
        std::vector<std::int32_t>{-2147483647 - 1, 2147483647});
  CHECK(transpose(tensor({{1, 2}, {3, 4}}, whole)).to_vector<std::int32_t>() ==
        std::vector<std::int32_t>{1, 3, 2, 4});
}

TEST_CASE("to_vector reads any layout and casts") {
  const Tensor x = tensor({{1.75, -2.75}, {3, 0}});
  CHECK(transpose(x).to_vector<double>() == Values{1.75, 3, -2.75, 0});
  CHECK(x.to_vector<std::int32_t>() == std::vector<std::int32_t>{1, -2, 3, 0});  // toward zero
  CHECK((x > 0).to_vector<float>() == std::vector<float>{1, 0, 1, 0});
  CHECK(cast(x, DType::boolean).to_vector<double>() == Values{1, 1, 1, 0});  // x != 0
}

TEST_CASE("views share memory; what a view shows follows a write") {
  Tensor x = tensor({{1, 2, 3}, {4, 5, 6}});
  const Tensor column = select(x, 1, 1), flat = reshape(x, {6}), turned = transpose(x);
  for (const Tensor& view : {column, flat, turned, expand(column, {4, 2}), unfold(x, 1, 2, 1)}) {
    CHECK(view.view().buffer == x.view().buffer);
  }
  CHECK(reshape(turned, {6}).view().buffer != x.view().buffer);  // has to copy
  x.assign(x * 10);
  CHECK(column.to_vector<double>() == Values{20, 50});
  Tensor part = slice(x, 1, 0, 2);  // writing through a strided view touches only what it shows
  part.assign(zeros({2, 2}));
  CHECK(flat.to_vector<double>() == Values{0, 0, 30, 0, 0, 60});
  Tensor none = zeros({2, 0, 3});
  CHECK_NOTHROW(none.assign(none));
}

TEST_CASE("a list of numbers is a vector, and [i] a part of a tensor") {
  const Tensor x = from_vector(std::vector<float>{1, 2, 3});
  CHECK(x.shape() == Shape{3});
  CHECK(x[1].item() == 2);
  CHECK(x[-1].item() == 3);
  CHECK(tensor({{1, 2}, {3, 4}})[1].to_vector<double>() == Values{3, 4});
  CHECK_THROWS_AS(x[3], IndexError);
}

TEST_CASE("a tensor that has no name cannot be assigned to, which would do nothing") {
  static_assert(!std::is_assignable_v<Tensor, Tensor>);  // x[0] = y, p.grad() = g
  static_assert(!std::is_assignable_v<Tensor, const Tensor&>);
  static_assert(std::is_assignable_v<Tensor&, Tensor>);
  static_assert(std::is_assignable_v<Tensor&, const Tensor&>);
  static_assert(std::is_nothrow_move_constructible_v<Tensor>);  // vectors move when they grow
  struct Pair {
    Tensor a, b;
  };
  Pair pair{tensor(1), tensor(2)};
  std::swap(pair.a, pair.b);
  std::tie(pair.a, pair.b) = std::pair(pair.b, tensor(3));
  pair = Pair{pair.b, pair.a};
  CHECK(pair.a.item() == 3);
  CHECK(pair.b.item() == 1);
}

TEST_CASE("i32 wraps around on every backend") {
  for (const char* on : {"reference", "cpu"}) {
    const TensorOptions whole{DType::i32, &backend(on)};
    const Tensor most = tensor({2147483647, -2147483648.0}, whole);
    CHECK((most + 1).to_vector<double>() == Values{-2147483648.0, -2147483647});
    CHECK((-most).to_vector<double>() == Values{-2147483647, -2147483648.0});
    CHECK((most * 2).to_vector<double>() == Values{-2, 0});
    CHECK(abs(most).to_vector<double>() == Values{2147483647, -2147483648.0});
    CHECK(scatter_add(most, tensor({0, 0}, whole), 1).to_vector<double>() == Values{-1});
  }
}

TEST_CASE("operators rebind and never write") {
  Tensor x = tensor({1, 2});
  const Tensor before = x;
  x += 1;
  x *= x;
  CHECK(x.to_vector<double>() == Values{4, 9});
  CHECK(before.to_vector<double>() == Values{1, 2});
}

TEST_CASE("item, describe, to") {
  CHECK(tensor({{7}}).item() == 7);
  CHECK_THROWS_AS(tensor({1, 2}).item(), ShapeError);
  CHECK(describe(zeros({2, 3}, {DType::i32, &backend("reference")})) == "i32 [2, 3] on reference");
  CHECK(describe(Tensor()) == "an undefined tensor");
  const Tensor x = transpose(tensor({{1, 2}, {3, 4}}));
  const Tensor y = to(x, {DType::f64, &backend("reference")});
  CHECK(y.backend().name() == "reference");
  CHECK(y.dtype() == DType::f64);
  CHECK(y.to_vector<double>() == Values{1, 3, 2, 4});
  CHECK(describe(to(y, {.dtype = DType::i32})) == "i32 [2, 2] on reference");
  CHECK(describe(to(y, {.backend = &backend("cpu")})) == "f64 [2, 2] on cpu");
  CHECK(describe(zeros({3}, y.options())) == "f64 [3] on reference");
}

TEST_CASE("a clone keeps its values when what it was made of is written") {
  Tensor x = tensor({{1, 2}, {3, 4}}).set_requires_grad();
  const Tensor seen = x.detach(), kept = clone(x.detach()), turned = clone(transpose(x)).detach();
  sum(clone(x) * 3).backward();
  CHECK(x.grad().to_vector<float>() == std::vector<float>(4, 3));
  x.assign(zeros({2, 2}));
  CHECK(seen.to_vector<float>() == std::vector<float>(4, 0));
  CHECK(kept.to_vector<float>() == std::vector<float>{1, 2, 3, 4});
  CHECK(turned.to_vector<float>() == std::vector<float>{1, 3, 2, 4});
}

TEST_CASE("what is assigned may overlap what it overwrites") {
  const std::int64_t n = 100'000;
  const Tensor x = arange(n);
  slice(x, 0, 1).assign(slice(x, 0, 0, n - 1));
  const Values found = x.to_vector<double>();
  CHECK(found[1] == 0);
  CHECK(found.back() == n - 2);
  CHECK(found[n / 2] == n / 2 - 1);
}

TEST_CASE("slices follow Python") {
  const Tensor x = arange(6);
  CHECK(slice(x, 0, 1, 4).to_vector<double>() == Values{1, 2, 3});
  CHECK(slice(x, 0, -2).to_vector<double>() == Values{4, 5});
  CHECK(slice(x, 0, 0, -4).to_vector<double>() == Values{0, 1});
  CHECK(slice(x, 0, 0, 100, 4).to_vector<double>() == Values{0, 4});
  CHECK(slice(x, 0, 4, 2).shape() == Shape{0});
  CHECK(slice(x, 0, -100, 2).to_vector<double>() == Values{0, 1});
}

TEST_CASE("the registry knows its backends") {
  const std::vector<std::string> names = backend_names();
  CHECK(std::count(names.begin(), names.end(), "cpu") == 1);
  CHECK(std::count(names.begin(), names.end(), "reference") == 1);
  CHECK_THROWS_WITH_AS(backend("abacus"), doctest::Contains("cpu"), BackendError);
  CHECK_THROWS_AS(register_backend("cpu", [] { return std::unique_ptr<Backend>(); }), BackendError);
  register_backend("hollow", [] { return std::unique_ptr<Backend>(); });
  CHECK_THROWS_AS(backend("hollow"), BackendError);
  const std::string before(default_backend().name());
  set_default_backend("reference");
  CHECK(zeros({1}).backend().name() == "reference");
  CHECK_THROWS_AS(set_default_backend("abacus"), BackendError);
  CHECK(default_backend().name() == "reference");
  set_default_backend(before);
}
