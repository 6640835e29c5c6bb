#include "tensor/tensor.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "autograd/ops.h"
#include "tensor/error.h"
#include "tensor/parallel.h"

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
