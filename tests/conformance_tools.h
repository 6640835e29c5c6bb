// What the conformance tests are made of: memory filled with known numbers, views into it, and a
// list of differences.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tensor/backend.h"

namespace gradus::conformance {

// How a view lies in memory. The second to last kind repeats its first axis with stride 0, the last
// is one number for all.
enum class Placing { dense, offset, reversed, gaps, repeated, scalar };
inline constexpr Placing kPlacings[] = {Placing::dense, Placing::offset,   Placing::reversed,
                                        Placing::gaps,  Placing::repeated, Placing::scalar};

const char* name_of(Placing placing);
inline constexpr DType kAll[] = {DType::f32, DType::f64, DType::i32, DType::boolean};

// Numbers on the host and a layout over them, to be put on any backend.
struct Array {
  DType dtype = DType::f32;
  Layout layout;
  std::vector<double> memory;  // NaN (of whole numbers: 77) where the layout does not look

  std::vector<double> values() const;  // row-major
};

Layout place(const Shape& shape, Placing placing);
// Memory for the layout, numbers from `value(i)` for the i-th place it looks at.
template <class F>
Array make_array(const Layout& layout, DType dtype, F value);

// Memory on a backend that lives as long as this.
struct Held {
  std::shared_ptr<Buffer> buffer;
  View view;
};
Held put(const Array& array, Backend& on);
// Everything in the buffer that `held` was put in, gaps and all.
std::vector<double> whole_memory(const Held& held, std::size_t count, Backend& on);

// Numbers between -3 and 3 without pattern; whole ones for i32, 0 and 1 for boolean.
double some_number(DType dtype, std::uint64_t i);
Array some_array(const Layout& layout, DType dtype, std::uint64_t salt = 0);
Array some_array(const Shape& shape, DType dtype, std::uint64_t salt = 0);

// "unary tanh f32 [2, 3] gaps": a check's name begins with its method's.
std::string named(const char* method, const char* op, DType dtype, const Layout& layout,
                  Placing placing);

class Findings {
 public:
  explicit Findings(Backend& backend) : mine(backend), oracle(gradus::backend("reference")) {}

  Backend& mine;
  Backend& oracle;
  std::vector<std::string> failures;

  // Runs `call` on an output of `shape` on a backend; returns what it wrote. Reports writes outside
  // the output and anything thrown.
  template <class F>
  std::vector<double> run(const std::string& what, Backend& on, const Layout& layout, DType dtype,
                          F call);
  // Reports the first number off by more than `tolerance` * (|expected| + scale).
  void compare(const std::string& what, const std::vector<double>& found,
               const std::vector<double>& expected, double tolerance, double scale = 1);
  void report(const std::string& what, const std::string& problem);

 private:
  std::string last_method_;
  int of_method_ = 0;
};

void check_rows(Findings& findings);    // conformance_rows.cpp
void check_random(Findings& findings);  // conformance_random.cpp
void check_map(Findings& findings);     // conformance_map.cpp
void check_offers(Findings& findings);  // conformance_offers.cpp
void check_fused(Findings& findings);   // conformance_fused.cpp

// ---- Templates ----

std::vector<std::int64_t> places_of(const Layout& layout);

template <class F>
Array make_array(const Layout& layout, DType dtype, F value) {
  const std::vector<std::int64_t> places = places_of(layout);
  std::int64_t size = layout.offset + 1;
  for (const std::int64_t at : places) size = std::max(size, at + 1);
  Array array{dtype, layout, {}};
  const bool floating = is_floating(dtype);
  array.memory.assign(static_cast<std::size_t>(size) + 2,  // and a little after the end
                      floating                  ? std::numeric_limits<double>::quiet_NaN()
                      : dtype == DType::boolean ? 1
                                                : 77);
  std::uint64_t i = 0;
  for (const std::int64_t at : places) array.memory[static_cast<std::size_t>(at)] = value(i++);
  return array;
}

template <class F>
std::vector<double> Findings::run(const std::string& what, Backend& on, const Layout& layout,
                                  DType dtype, F call) {
  // The output begins as 1 everywhere, gaps too.
  Array array = make_array(layout, dtype, [](std::uint64_t) { return 1.0; });
  for (double& number : array.memory) number = 1;
  const Held out = put(array, on);
  try {
    call(out.view);
    on.synchronize();
  } catch (const std::exception& error) {
    report(what, std::string("threw: ") + error.what());
    return array.values();
  }
  array.memory = whole_memory(out, array.memory.size(), on);
  const std::vector<double> written = array.values();
  for (const std::int64_t at : places_of(layout)) array.memory[static_cast<std::size_t>(at)] = 1;
  for (const double number : array.memory) {
    if (number != 1) {
      report(what, "wrote outside its output");
      break;
    }
  }
  return written;
}

}  // namespace gradus::conformance
