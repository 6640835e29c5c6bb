#include <cmath>
#include <type_traits>

#include "backends/host.h"
#include "backends/reference/reference.h"

namespace gradus {

namespace {

template <class T>
T apply(UnaryOp op, T x) {
  if constexpr (std::is_same_v<T, bool>) {
    return op == UnaryOp::logical_not ? !x : x;
  } else {
    const T zero{};
    switch (op) {
      case UnaryOp::neg: return static_cast<T>(-Wrapping<T>(x));
      case UnaryOp::abs:
        return std::is_floating_point_v<T>
                   ? std::abs(x)
                   : static_cast<T>(x < 0 ? -Wrapping<T>(x) : Wrapping<T>(x));
      case UnaryOp::sign:
        return static_cast<T>(x != x ? x : static_cast<T>((x > zero) - (x < zero)));
      case UnaryOp::exp: return static_cast<T>(std::exp(x));
      case UnaryOp::log: return static_cast<T>(std::log(x));
      case UnaryOp::sqrt: return static_cast<T>(std::sqrt(x));
      case UnaryOp::sin: return static_cast<T>(std::sin(x));
      case UnaryOp::cos: return static_cast<T>(std::cos(x));
      case UnaryOp::tanh: return static_cast<T>(std::tanh(x));
      case UnaryOp::sigmoid: return static_cast<T>(1 / (1 + std::exp(-static_cast<double>(x))));
      case UnaryOp::relu: return x < zero ? zero : x;  // NaN stays NaN
      case UnaryOp::gelu:
        return static_cast<T>(x * 0.5 * (1 + std::erf(static_cast<double>(x) / std::sqrt(2.0))));
      case UnaryOp::erf: return static_cast<T>(std::erf(x));
      case UnaryOp::expm1: return static_cast<T>(std::expm1(x));
      case UnaryOp::log1p: return static_cast<T>(std::log1p(x));
      case UnaryOp::floor: return static_cast<T>(std::floor(x));
      case UnaryOp::ceil: return static_cast<T>(std::ceil(x));
      case UnaryOp::round: return static_cast<T>(std::nearbyint(x));
      case UnaryOp::copy:
      case UnaryOp::logical_not: break;
    }
    return x;
  }
}

template <class T>
T arithmetic(BinaryOp op, T a, T b) {
  const Wrapping<T> x = a, y = b;
  switch (op) {
    case BinaryOp::sub: return static_cast<T>(x - y);
    case BinaryOp::mul: return static_cast<T>(x * y);
    case BinaryOp::div: return static_cast<T>(a / b);
    case BinaryOp::pow: return static_cast<T>(std::pow(a, b));
    case BinaryOp::max: return a > b || a != a ? a : b;
    case BinaryOp::min: return a < b || a != a ? a : b;
    default: return static_cast<T>(x + y);
  }
}

template <class T>
bool compare(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::ne: return a != b;
    case BinaryOp::lt: return a < b;
    case BinaryOp::le: return a <= b;
    case BinaryOp::gt: return a > b;
    case BinaryOp::ge: return a >= b;
    case BinaryOp::logical_and: return a && b;
    case BinaryOp::logical_or: return a || b;
    default: return a == b;
  }
}

}  // namespace

void ReferenceBackend::unary(UnaryOp op, const View& x, const View& out) {
  dispatch(x.dtype, [&](auto from) {
    dispatch(out.dtype, [&](auto to) {
      using T = decltype(from);
      using R = decltype(to);
      for (std::int64_t i = 0, n = out.shape().numel(); i < n; ++i) {
        const T value = apply(op, data_of<T>(x)[position(x.layout, i)]);
        data_of<R>(out)[position(out.layout, i)] = static_cast<R>(value);
      }
    });
  });
}

void ReferenceBackend::binary(BinaryOp op, const View& a, const View& b, const View& out) {
  dispatch(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0, n = out.shape().numel(); i < n; ++i) {
      const T x = data_of<T>(a)[position(a.layout, i)];
      const T y = data_of<T>(b)[position(b.layout, i)];
      if (op >= BinaryOp::eq) {
        data_of<bool>(out)[i] = compare(op, x, y);
      } else if constexpr (!std::is_same_v<T, bool>) {
        data_of<T>(out)[i] = arithmetic(op, x, y);
      }
    }
  });
}

// Every element of x is folded into the element of out that its position on the kept axes names.
void ReferenceBackend::reduce(ReduceOp op, const View& x, const View& out) {
  const Layout onto = Layout(out.shape()).broadcast_to(x.shape());  // stride 0 on reduced axes
  const std::int64_t n = x.shape().numel();
  const std::int64_t results = out.shape().numel();
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const double start = op == ReduceOp::sum ? 0 : op == ReduceOp::min ? kInfinity : -kInfinity;
    std::vector<double> folded(static_cast<std::size_t>(results), start);
    std::vector<std::int32_t> seen(folded.size(), 0);   // argmax: elements so far,
    std::vector<std::int32_t> where(folded.size(), 0);  // and the first of the largest
    for (std::int64_t i = 0; i < n; ++i) {
      const auto j = static_cast<std::size_t>(position(onto, i));
      const double value = static_cast<double>(data_of<T>(x)[position(x.layout, i)]);
      if (op == ReduceOp::sum) {
        folded[j] += value;
      } else if (!std::isnan(folded[j]) &&
                 (std::isnan(value) ||
                  (op == ReduceOp::min ? value < folded[j] : value > folded[j]))) {
        folded[j] = value;
        where[j] = seen[j];
      }
      ++seen[j];
    }
    for (std::int64_t j = 0; j < results; ++j) {
      const auto at = static_cast<std::size_t>(j);
      if (op == ReduceOp::argmax) {
        data_of<std::int32_t>(out)[j] = where[at];
      } else {
        data_of<T>(out)[j] = static_cast<T>(folded[at]);
      }
    }
  });
}

}  // namespace gradus
