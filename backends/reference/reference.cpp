#include "backends/reference/reference.h"

#include <cstring>
#include <vector>

#include "backends/host.h"

namespace gradus {

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

std::shared_ptr<Buffer> ReferenceBackend::allocate(std::size_t bytes) {
  return std::make_shared<HostBuffer>(bytes);
}

void ReferenceBackend::upload(const void* from, const View& out) {
  const auto count = static_cast<std::size_t>(out.shape().numel());
  if (count > 0)
    dispatch(out.dtype, [&](auto zero) {
      std::memcpy(data_of<decltype(zero)>(out), from, count * sizeof zero);
    });
}

void ReferenceBackend::download(const View& x, void* to) {
  const auto count = static_cast<std::size_t>(x.shape().numel());
  if (count > 0)
    dispatch(x.dtype,
             [&](auto zero) { std::memcpy(to, data_of<decltype(zero)>(x), count * sizeof zero); });
}

void ReferenceBackend::fill(const View& out, double value) {
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0, n = out.shape().numel(); i < n; ++i) {
      data_of<T>(out)[i] = static_cast<T>(value);
    }
  });
}

void ReferenceBackend::select(const View& cond, const View& a, const View& b, const View& out) {
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0, n = out.shape().numel(); i < n; ++i) {
      data_of<T>(out)[i] = data_of<bool>(cond)[position(cond.layout, i)]
                               ? data_of<T>(a)[position(a.layout, i)]
                               : data_of<T>(b)[position(b.layout, i)];
    }
  });
}

// out[.., i, j] = sum over l of a[.., i, l] * b[.., l, j]
void ReferenceBackend::matmul(const View& a, const View& b, const View& out) {
  const std::int64_t m = out.shape()[-2];
  const std::int64_t n = out.shape()[-1];
  const std::int64_t k = a.shape()[-1];
  dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0, count = out.shape().numel(); i < count; ++i) {
      const std::int64_t batch = i / (m * n);
      const std::int64_t row = i / n % m;
      const std::int64_t column = i % n;
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum += static_cast<double>(data_of<T>(a)[position(a.layout, (batch * m + row) * k + l)]) *
               static_cast<double>(data_of<T>(b)[position(b.layout, (batch * k + l) * n + column)]);
      }
      data_of<T>(out)[i] = static_cast<T>(sum);
    }
  });
}

namespace {
// The number of elements in one row of a table [n, ...].
std::int64_t row_size(const View& table) { return table.shape().without(0).numel(); }
}  // namespace

void ReferenceBackend::gather(const View& table, const View& rows, const View& out) {
  check_rows(rows, table.shape()[0], "gather");
  const std::int64_t width = row_size(table);
  dispatch(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0, n = out.shape().numel(); i < n; ++i) {
      const std::int32_t row = data_of<std::int32_t>(rows)[position(rows.layout, i / width)];
      data_of<T>(out)[i] =
          row == kNoRow ? T{} : data_of<T>(table)[position(table.layout, row * width + i % width)];
    }
  });
}

void ReferenceBackend::scatter(ScatterOp op, const View& rows, const View& src, const View& table) {
  check_rows(rows, table.shape()[0], "scatter");
  const std::int64_t width = row_size(table);
  dispatch(table.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0, n = src.shape().numel(); i < n; ++i) {
      const std::int32_t row = data_of<std::int32_t>(rows)[position(rows.layout, i / width)];
      if (row == kNoRow) continue;
      T& to = data_of<T>(table)[row * width + i % width];
      const T value = data_of<T>(src)[position(src.layout, i)];
      to = op == ScatterOp::add ? static_cast<T>(Wrapping<T>(to) + Wrapping<T>(value)) : value;
    }
  });
}

}  // namespace gradus
