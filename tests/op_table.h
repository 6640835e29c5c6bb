// The table of operations: one row each, with inputs to try it on. op_test.cpp runs every row on
// every backend - values, gradients, second-order gradients; contiguous and strided inputs; scalar,
// broadcast and empty shapes - and fails for an op in a public header that has no row. A new op is
// a row:
//
//   {"tanh", [](In x) { return tanh(x[0]); }, {kReal}, kUnaryShapes},
//
// A row's name is the op's name in the header, then ": " and a remark where an op has several rows.
#pragma once

#include <string>
#include <vector>

#include "autograd/gradcheck.h"

namespace gradus {

// Which numbers an input is filled with. All are exact in f32, so that f32 and f64 see the same.
struct Domain {
  enum Kind {
    real,      // between low and high, at least 0.1 from 0 (where abs, relu, sign have their kink)
    distinct,  // no two of all inputs' elements closer than 0.1 (ties are the kink of max and min)
    index,     // i32, low .. high inclusive, all of them in turn
    mask       // boolean
  } kind = real;
  double low = -2;
  double high = 2;
};
inline constexpr Domain kReal{};
inline constexpr Domain kPositive{Domain::real, 0.5, 2};
inline constexpr Domain kDistinct{Domain::distinct};
inline constexpr Domain kMask{Domain::mask};
constexpr Domain rows_below(int n) { return {Domain::index, -1, n - 1.0}; }  // -1: no row
constexpr Domain index_below(int n) { return {Domain::index, 0, n - 1.0}; }

using Shapes = std::vector<Shape>;  // one for each input
enum class Derivatives { none, once, twice };

struct OpRow {
  std::string name;
  TensorFunction f;
  std::vector<Domain> inputs;
  std::vector<Shapes> shapes;  // each is tried by itself
  Derivatives derivatives = Derivatives::twice;
};

const std::vector<OpRow>& op_table();

// Its parts: op_rows_*.cpp.
std::vector<OpRow> elementwise_rows();
std::vector<OpRow> reduction_rows();
std::vector<OpRow> view_rows();
std::vector<OpRow> product_rows();
std::vector<OpRow> indexing_rows();
std::vector<OpRow> segment_rows();
std::vector<OpRow> attention_rows();

// The inputs of a row: floating ones of `dtype`, all contiguous on `on`. The same numbers each
// time.
std::vector<Tensor> make_inputs(const OpRow& row, const Shapes& shapes, DType dtype, Backend& on);

}  // namespace gradus
