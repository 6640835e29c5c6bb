#include "tests/conformance_tools.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "tensor/philox.h"

namespace gradus::conformance {

namespace {

constexpr int kShown = 5;  // failures of one method that are spelled out

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// A view of all of a buffer's `count` elements.
View whole(const Held& held, std::size_t count) {
  return {held.buffer.get(), held.view.dtype, Layout(Shape{static_cast<std::int64_t>(count)})};
}

}  // namespace

const char* name_of(Placing placing) {
  constexpr const char* kNames[] = {"dense", "offset", "reversed", "gaps", "repeated", "scalar"};
  return kNames[static_cast<std::size_t>(placing)];
}

std::string named(const char* method, const char* op, DType dtype, const Layout& layout,
                  Placing placing) {
  return fmt::format("{} {} {} {} {}", method, op, name_of(dtype), to_string(layout.shape),
                     name_of(placing));
}

std::vector<std::int64_t> places_of(const Layout& layout) {
  std::vector<std::int64_t> places{layout.offset};
  for (int axis = 0; axis < layout.shape.rank(); ++axis) {
    const std::int64_t size = layout.shape[axis], stride = layout.stride(axis);
    std::vector<std::int64_t> next;
    next.reserve(places.size() * at(size));
    for (const std::int64_t place : places) {
      for (std::int64_t i = 0; i < size; ++i) next.push_back(place + i * stride);
    }
    places = std::move(next);
  }
  return places;
}

std::vector<double> Array::values() const {
  std::vector<double> result;
  for (const std::int64_t place : places_of(layout)) result.push_back(memory[at(place)]);
  return result;
}

Layout place(const Shape& shape, Placing placing) {
  Layout layout(shape);
  const int rank = shape.rank();
  switch (placing) {
    case Placing::dense: break;
    case Placing::offset:
      layout.offset = 3;  // not aligned for vectors
      break;
    case Placing::reversed: {  // the first axis runs fastest
      std::int64_t step = 1;
      for (int axis = 0; axis < rank; ++axis) {
        layout.strides[at(axis)] = step;
        step *= shape[axis];
      }
      break;
    }
    case Placing::gaps:  // every other element of every third row, so to say
      for (int axis = 0; axis < rank; ++axis) {
        layout.strides[at(axis)] *= axis == rank - 1 ? 2 : 3;
      }
      layout.offset = 1;
      break;
    case Placing::repeated:
      if (rank > 0) layout.strides[0] = 0;
      break;
    case Placing::scalar:
      layout.strides = {};
      layout.offset = 2;
      break;
  }
  return layout;
}

Held put(const Array& array, Backend& on) {
  Held held;
  const std::size_t count = array.memory.size();
  dispatch(array.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<std::byte> bytes(count * sizeof(T));
    for (std::size_t i = 0; i < count; ++i) {
      const T number = static_cast<T>(array.memory[i]);
      std::memcpy(bytes.data() + i * sizeof(T), &number, sizeof(T));
    }
    held.buffer = on.allocate(bytes.size());
    held.view = {held.buffer.get(), array.dtype, array.layout};
    on.upload(bytes.data(), whole(held, count));
  });
  return held;
}

std::vector<double> whole_memory(const Held& held, std::size_t count, Backend& on) {
  std::vector<double> numbers(count);
  dispatch(held.view.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<std::byte> bytes(count * sizeof(T));
    on.download(whole(held, count), bytes.data());
    for (std::size_t i = 0; i < count; ++i) {
      T number{};
      std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
      numbers[i] = static_cast<double>(number);
    }
  });
  return numbers;
}

double some_number(DType dtype, std::uint64_t i) {
  const double number = 6 * double{to_uniform(philox(11, 0, i)[0])} - 3;
  if (dtype == DType::boolean) return number > 0;
  return is_floating(dtype) ? double{static_cast<float>(number)} : std::trunc(number);
}

Array some_array(const Layout& layout, DType dtype, std::uint64_t salt) {
  return make_array(layout, dtype,
                    [=](std::uint64_t i) { return some_number(dtype, i + 1'000'000 * salt); });
}

Array some_array(const Shape& shape, DType dtype, std::uint64_t salt) {
  return some_array(Layout(shape), dtype, salt);
}

void Findings::compare(const std::string& what, const std::vector<double>& found,
                       const std::vector<double>& expected, double tolerance, double scale) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    const bool same = found[i] == e || (std::isnan(found[i]) && std::isnan(e)) ||
                      std::abs(found[i] - e) <= tolerance * (std::abs(e) + scale);
    if (same && std::isinf(found[i]) == std::isinf(e)) continue;
    return report(
        what, fmt::format("element {} of {} is {}, expected {}", i, expected.size(), found[i], e));
  }
}

void Findings::report(const std::string& what, const std::string& problem) {
  const std::string method = what.substr(0, what.find(' '));
  if (method != std::exchange(last_method_, method)) of_method_ = 0;
  if (++of_method_ <= kShown) failures.push_back(fmt::format("[{}] {}", what, problem));
}

}  // namespace gradus::conformance
