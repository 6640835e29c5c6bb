// Every error message of tensor/, backends/ and the operations: what is refused and what is said,
// word for word. tests/messages.awk finds those that no test sees.

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <limits>

#include "backends/cpu/cache.h"
#include "backends/cpu/loops.h"
#include "backends/host.h"
#include "gradus.h"
#include "tests/throws.h"

using namespace gradus;

namespace {

constexpr std::int64_t kHuge = std::int64_t{1} << 62;
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TensorOptions on(const char* name, DType dtype = DType::f32) { return {dtype, &backend(name)}; }
Tensor whole(std::initializer_list<std::int32_t> values) {
  return from_vector(std::vector<std::int32_t>(values), {std::ssize(values)});
}

}  // namespace

TEST_CASE("messages of shapes, layouts and tensors") {
  REFUSES(ShapeError, Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}),
          "[shape] 9 axes, at most 8 are supported");
  REFUSES(ShapeError, Shape({2, -1}), "[shape] negative size in [2, -1]");
  REFUSES(ShapeError, Shape({kHuge, 2}),
          "[shape] the number of elements of [4611686018427387904, 2] does not fit 64 bits");
  REFUSES(IndexError, ones({2, 3}).size(2), "[shape] axis 2 is outside [2, 3], which has 2 axes");
  REFUSES(IndexError, unsqueeze(ones({2, 3}), 4),
          "[shape] cannot insert axis 4 into [2, 3]: it may be -3 to 2");
  REFUSES(ShapeError, ones({2, 3}) + ones({4}),
          "[add] shapes do not broadcast: a [2, 3], b [4]: aligned at the last axis, sizes must be "
          "equal or 1, but 3 meets 4");
  REFUSES(ShapeError, permute(ones({2, 3}), {0, 0}),
          "[permute] axes (0, 0) must name each axis of [2, 3] once");
  REFUSES(IndexError, slice(ones({2, 3}), 1, 0, 3, 0),
          "[slice] 0:3:0 along axis 1 of [2, 3]: needs 0 <= start <= stop <= 3 and step >= 1");
  REFUSES(ShapeError, expand(ones({2, 3}), {2, 4}),
          "[expand] [2, 3] does not broadcast to [2, 4]: aligned at the last axis, sizes must be "
          "equal or 1");
  REFUSES(ShapeError, expand(ones({3}), {-1, 3}), "[shape] negative size in [-1, 3]");
  REFUSES(BackendError, Tensor() + 1,
          "[tensor] this tensor is undefined: nothing was assigned to it");
  REFUSES(ShapeError, ones({2}).item(), "[item] needs exactly one element, got f32 [2] on cpu");
  REFUSES(ShapeError, zeros({kHuge}),
          "[empty] the size of f32 [4611686018427387904] in bytes does not fit 64 bits");
  REFUSES(ShapeError, from_vector<float>({1, 2, 3}, {2, 2}),
          "[from_span] 3 values do not fill [2, 2], which has 4 elements");
  REFUSES(ShapeError, tensor({{1, 2}, {3}}),
          "[tensor] lists side by side differ in shape: [2] and [1]");
  REFUSES(DTypeError, normal({2}, 0, 1, {DType::i32}), "[normal] makes f32 or f64, not i32");
}

TEST_CASE("messages of backends") {
  REFUSES(BackendError, backend("abacus"),
          fmt::format("[backend] there is no backend named 'abacus'; there are: {}",
                      fmt::join(backend_names(), ", ")));
  REFUSES(BackendError, register_backend("none", nullptr),
          "[backend] 'none' comes without a factory");
  REFUSES(BackendError, register_backend("cpu", [] { return nullptr; }),
          "[backend] a backend named 'cpu' is registered already");
  register_backend("nothing", [] { return nullptr; });
  REFUSES(BackendError, backend("nothing"), "[backend] the factory of 'nothing' made nothing");
  REFUSES(Error, parallel_for(8, 0, [](std::int64_t, std::int64_t) {}),
          "[parallel_for] chunks of 0: at least 1 is needed");
  REFUSES(BackendError, cpu::parse_bytes("12 apples"),
          "[memory limit] '12 apples' is not an amount of memory: bytes, or a number with K, M, G "
          "or T, such as 512M");
  const std::string targets = fmt::format("{}", fmt::join(cpu::simd_targets(), ", "));
  REFUSES(BackendError, cpu::limit_simd("MMX"),
          "[GRADUS_SIMD] 'MMX' is none of this machine's: " + targets);
  REFUSES(BackendError, zeros({kHuge / 8}),
          "[allocate] no memory for 2305843009213693952 bytes: this machine has " +
              std::to_string(machine_memory()));
  REFUSES(BackendError, ones({2}, on("cpu")) + ones({2}, on("reference")),
          "[add] a is f32 [2] on cpu, b is f32 [2] on reference: both must be on one backend; use "
          "to()");
  REFUSES(BackendError, where(ones({2}, on("reference")) > 0, ones({2}), 0),
          "[where] the condition is boolean [2] on reference, a is f32 [2] on cpu: both must be on "
          "one backend; use to()");
  REFUSES(BackendError, gather(ones({2}), zeros({1}, on("reference", DType::i32))),
          "[gather] rows are i32 [1] on reference, the table or source is f32 [2] on cpu: both "
          "must be on one backend; use to()");
}

TEST_CASE("messages of dtypes") {
  const Tensor x = ones({2}), i = whole({1, 2});
  REFUSES(DTypeError, x + ones({2}, {DType::f64}),
          "[add] a is f32 [2] on cpu, b is f64 [2] on cpu: both must have one dtype; use cast()");
  REFUSES(DTypeError, i + 0.5, "[operand] 0.5 does not fit i32; cast() the tensor first");
  REFUSES(DTypeError, exp(i), "[exp] is defined for f32 and f64, got i32 [2] on cpu; use cast()");
  REFUSES(DTypeError, (x > 0) + (x > 0),
          "[add] is not defined for boolean, got boolean [2] on cpu");
  REFUSES(DTypeError, 1 - (x > 0), "[sub] is not defined for boolean, got boolean [2] on cpu");
  REFUSES(DTypeError, 1 / i, "[div] is defined for f32 and f64, got i32 [2] on cpu; use cast()");
  REFUSES(DTypeError, logical_and(x, x),
          "[logical_and] is defined only for boolean, got f32 [2] on cpu");
  REFUSES(DTypeError, logical_not(x),
          "[logical_not] is defined for boolean, got f32 [2] on cpu; compare, as in x == 0");
  REFUSES(DTypeError, where(x, x, x),
          "[where] the condition is boolean, got f32 [2] on cpu; compare, as in x != 0");
  REFUSES(DTypeError, -(x > 0),
          "[neg] is defined for f32, f64 and i32, got boolean [2] on cpu; use cast()");
  REFUSES(DTypeError, scatter_add(x > 0, i, 3),
          "[scatter_add] booleans do not add up: src is boolean [2] on cpu; use cast()");
  REFUSES(DTypeError, gather(x, x), "[gather] rows are i32, got f32 [2] on cpu; use cast()");
  REFUSES(DTypeError, index_select(x, 0, x),
          "[index_select] indices are i32, got f32 [2] on cpu; use cast()");
}

TEST_CASE("messages of views") {
  const Tensor x = ones({2, 3});
  REFUSES(ShapeError, reshape(x, {4, 2}), "[reshape] [2, 3] has 6 elements, [4, 2] has 8");
  REFUSES(ShapeError, reshape(x, {4, -1}),
          "[reshape] no size in place of -1 makes [4, -1] of the 6 elements of [2, 3]");
  REFUSES(ShapeError, reshape(x, {-1, -1}), "[reshape] only one size may be -1, got [-1, -1]");
  REFUSES(ShapeError, flatten(x, 1, 0), "[flatten] axis 1 of [2, 3] is not before axis 0");
  REFUSES(IndexError, select(x, 1, 3), "[select] index 3 is outside axis 1 of [2, 3]");
  REFUSES(ShapeError, squeeze(x, 0), "[squeeze] axis 0 of [2, 3] has size 2, not 1");
  REFUSES(ShapeError, concat({}, 0), "[concat] needs at least one tensor");
  REFUSES(ShapeError, concat({x, ones({3, 2})}, 1),
          "[concat] [2, 3] and [3, 2] may differ only along axis 1");
  REFUSES(ShapeError, stack({}), "[stack] needs at least one tensor");
  REFUSES(ShapeError, stack({x, ones({2, 4})}),
          "[stack] shapes differ: [2, 3] and [2, 4]; concat() joins along an axis");
  REFUSES(DTypeError, stack({x, ones({2, 3}, {DType::f64})}),
          "[stack] a is f32 [2, 3] on cpu, b is f64 [2, 3] on cpu: both must have one dtype; use "
          "cast()");
  const Tensor wide = expand(ones({1}), {kMost});
  REFUSES(ShapeError, concat({wide, wide}, 0),
          "[concat] the sizes along axis 0 do not add up in 64 bits");
  REFUSES(ShapeError, pad(x, 0, -1, 0), "[pad] negative padding -1, 0; use slice() to cut");
  REFUSES(ShapeError, pad(x, 0, kMost, 1),
          "[pad] axis 0 of [2, 3] padded by 9223372036854775807 and 1 does not fit 64 bits");
  REFUSES(ShapeError, unfold(x, 1, 4, 1),
          "[unfold] windows of 4 every 1 do not fit axis 1 of [2, 3]");
  REFUSES(ShapeError, split(x, {1, 1}, 1),
          "[split] sizes [1, 1] do not add up to axis 1 of [2, 3]");
  REFUSES(ShapeError, split(x, 0),
          "[split] cannot cut [2, 3] into pieces of 0: at least 1 is needed");
  REFUSES(ShapeError, chunk(x, 0), "[chunk] cannot cut [2, 3] into 0 pieces: at least 1 is needed");
}

TEST_CASE("messages of reductions and products") {
  const Tensor x = ones({2, 3});
  REFUSES(ShapeError, tril(ones({3})), "[tril] needs two axes, got [3]");
  REFUSES(ShapeError, sum(x, {0, -2}), "[sum] an axis of [2, 3] is named twice");
  REFUSES(ShapeError, max(ones({0, 3}), 0), "[max] of no elements is not defined: x [0, 3]");
  REFUSES(ShapeError, argmin(ones({0, 3}), 0), "[argmin] of no elements is not defined: x [0, 3]");
  REFUSES(ShapeError, var(ones({2, 1}), 1),
          "[var] [2, 1] with correction 1 leaves nothing to divide by");
  REFUSES(ShapeError, sum_to(ones({1, 3}), {2, 3}),
          "[sum_to] [1, 3] was not broadcast from [2, 3]");
  REFUSES(ShapeError, matmul(ones({3}), ones({3, 2})),
          "[matmul] needs at least two axes on each side: a [3], b [3, 2]; use reshape() to make a "
          "vector a row or a column");
  REFUSES(ShapeError, matmul(ones({32, 128}), ones({64, 10})),
          "[matmul] inner sizes differ: a [32, 128] has 128 columns, b [64, 10] has 64 rows");
  REFUSES(ShapeError, matmul(ones({2, 3, 4}), ones({5, 4, 2})),
          "[matmul] the axes before the last two do not broadcast: a [2, 3, 4], b [5, 4, 2]");
  REFUSES(ShapeError, linear(x, ones({4, 2})),
          "[linear] x [2, 3] must end with the columns of weight [4, 2] ([out, in])");
  REFUSES(ShapeError, linear(x, ones({4, 3}), ones({3})),
          "[linear] bias [3] must have one number for each row of weight [4, 3]");
  REFUSES(Error, linear(x, ones({4, 3}), {}, UnaryOp::exp),
          "[linear] exp is not one of its activations; apply it to the result");
  REFUSES(ShapeError, squared_distance(x, ones({2, 4})),
          "[squared_distance] points differ in size: a [2, 3], b [2, 4]");
  REFUSES(ShapeError, einsum("ij,jk->ik", {x}),
          "[einsum] \"ij,jk->ik\" of [2, 3]: 2 terms for 1 operands");
  REFUSES(ShapeError, einsum("ijk->i", {x}),
          "[einsum] \"ijk->i\" of [2, 3]: term 1 names 3 axes of 2");
  REFUSES(ShapeError, einsum("ij->ii", {x}),
          "[einsum] \"ij->ii\" of [2, 3]: the result names 'i' twice");
  REFUSES(ShapeError, einsum("ij->k", {x}),
          "[einsum] \"ij->k\" of [2, 3]: the result names 'k', which no operand has");
  REFUSES(ShapeError, einsum("ij,jk->ik", {x, x}),
          "[einsum] \"ij,jk->ik\" of [2, 3], [2, 3]: 'j' names axes of sizes 3 and 2");
  REFUSES(ShapeError, einsum("i1->i", {x}),
          "[einsum] \"i1->i\" of [2, 3]: '1' is not a letter, ... or ->");
}

TEST_CASE("messages of rows and indices") {
  const Tensor x = ones({3, 2}), wide = expand(ones({1}), {kHuge});
  REFUSES(ShapeError, gather(ones({}), whole({0})),
          "[gather] a table needs at least one axis, got a scalar");
  REFUSES(IndexError, gather(x, whole({0, 3})),
          "[gather] row 3 (number 1 of rows [2]) is outside a table of 3 rows");
  REFUSES(ShapeError, scatter_add(x, whole({0, 1}), 3),
          "[scatter_add] src [3, 2] must begin with the axes of rows [2]");
  REFUSES(ShapeError, index_put(x, whole({0, 1}), ones({2, 3})),
          "[index_put] src [2, 3] does not fit rows [2] of table [3, 2]");
  REFUSES(ShapeError, pick(x, whole({0})),
          "[pick] needs x [n, classes] and columns [n], got [3, 2] and [1]");
  REFUSES(IndexError, pick(x, whole({0, 1, 2})), "[pick] index 2 (number 2) is outside [0, 2)");
  REFUSES(IndexError, index_select(x, 0, whole({0, 3})),
          "[index_select] index 3 (number 1) is outside [0, 3)");
  REFUSES(ShapeError, index_select(x, 0, ones({1, 1})),
          "[index_select] indices must be [n], got [1, 1]");
  REFUSES(ShapeError, take_along_dim(x, whole({0}), 0),
          "[take_along_dim] indices [1] must have the shape of x [3, 2] except along the axis");
  REFUSES(ShapeError, take_along_dim(wide, whole({0}), 0),
          "[take_along_dim] x [4611686018427387904] has more elements than i32 can count");
  REFUSES(ShapeError, scatter(x, 0, reshape(whole({0, 1}), {1, 2}), ones({2})),
          "[scatter] src [2] must have the shape of indices [1, 2]");
  REFUSES(ShapeError, sort(wide),
          "[sort] axis -1 of [4611686018427387904] is longer than i32 can count");
  REFUSES(ShapeError, topk(x, 4, 0), "[topk] axis 0 of [3, 2] has no 4 elements");
}
