#include "autograd/segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <mutex>

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

namespace {

void check_rows(const char* op, const Tensor& x, const Segments& segments) {
  if (x.rank() == 0 || x.size(0) != segments.rows()) {
    throw ShapeError(fmt::format("[{}] x {} must have the {} rows that the segments cover", op,
                                 to_string(x.shape()), segments.rows()));
  }
}

// A column of `values`, one a row, that broadcasts against x [rows, ...].
Tensor column(const Tensor& values, const Tensor& x) {
  Shape shape = values.shape();
  while (shape.rank() < x.rank()) shape = shape.inserted(-1, 1);
  return reshape(values, shape);
}

}  // namespace

Segments::Segments(std::vector<std::int32_t> offsets) : data_(std::make_shared<Data>()) {
  if (offsets.empty() || offsets[0] != 0 || !std::is_sorted(offsets.begin(), offsets.end())) {
    throw ShapeError(
        fmt::format("[segments] {} offsets must begin with 0 and never fall", offsets.size()));
  }
  data_->offsets = std::move(offsets);
}

Segments Segments::equal(std::int64_t count, std::int64_t size) {
  if (count < 0 || size < 0 ||
      Shape{count, size}.numel() > std::numeric_limits<std::int32_t>::max()) {
    throw ShapeError(
        fmt::format("[segments] {} segments of {} rows: i32 counts rows", count, size));
  }
  std::vector<std::int32_t> offsets;
  for (std::int64_t i = 0; i <= count; ++i) offsets.push_back(static_cast<std::int32_t>(i * size));
  return offsets;
}

std::size_t Segments::at(std::int64_t segment) const {
  if (segment < 0 || segment >= count()) {
    throw IndexError(fmt::format("[segments] there is no segment {}: there are {}, numbered from 0",
                                 segment, count()));
  }
  return static_cast<std::size_t>(segment);
}

std::int64_t Segments::longest() const {
  std::int64_t longest = 0;
  for (std::int64_t s = 0; s < count(); ++s) longest = std::max(longest, size(s));
  return longest;
}

// The index tensor in `kept` if it is on this backend, else `values` made anew and kept.
template <class Values>
Tensor Segments::index(Tensor& kept, const Shape& shape, Backend& backend, Values values) const {
  std::lock_guard lock(data_->mutex);
  if (!kept.defined() || &kept.backend() != &backend) {
    kept = from_vector<std::int32_t>(values(), shape, &backend);
  }
  return kept;
}

Tensor Segments::offsets_on(Backend& backend) const {
  return index(data_->offsets_tensor, {count() + 1}, backend, [&] { return offsets(); });
}

Tensor Segments::ids_on(Backend& backend) const {
  return index(data_->ids, {rows()}, backend, [&] {
    std::vector<std::int32_t> ids;
    for (std::int64_t s = 0; s < count(); ++s) {
      ids.insert(ids.end(), static_cast<std::size_t>(size(s)), static_cast<std::int32_t>(s));
    }
    return ids;
  });
}

Tensor Segments::padded_rows_on(Backend& backend) const {
  const std::int64_t width = longest();
  return index(data_->padded_rows, {count(), width}, backend, [&] {
    std::vector<std::int32_t> padded(static_cast<std::size_t>(count() * width), kNoRow);
    for (std::int64_t s = 0; s < count(); ++s) {
      for (std::int64_t i = 0; i < size(s); ++i) {
        padded[static_cast<std::size_t>(s * width + i)] = static_cast<std::int32_t>(begin(s) + i);
      }
    }
    return padded;
  });
}

Tensor segment_sum(const Tensor& x, const Segments& segments) {
  check_rows("segment_sum", x, segments);
  return scatter_add(x, segments.ids_on(x.backend()), segments.count());
}

Tensor segment_expand(const Tensor& x, const Segments& segments) {
  if (x.rank() == 0 || x.size(0) != segments.count()) {
    throw ShapeError(
        fmt::format("[segment_expand] x {} must have a row for each of the {} segments",
                    to_string(x.shape()), segments.count()));
  }
  return gather(x, segments.ids_on(x.backend()));
}

Tensor segment_mean(const Tensor& x, const Segments& segments) {
  const Tensor total = segment_sum(x, segments);
  std::vector<float> sizes;
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    sizes.push_back(static_cast<float>(std::max<std::int64_t>(segments.size(s), 1)));
  }
  const Tensor counts = cast(from_vector(sizes, {segments.count()}, &x.backend()), x.dtype());
  return total / column(counts, total);
}

// Segments of like sizes together, filled up to the next power of two: at most twice the rows.
Tensor segment_max(const Tensor& x, const Segments& segments) {
  check_rows("segment_max", x, segments);
  std::map<std::int64_t, std::vector<std::int64_t>> of_width;
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    const auto size = static_cast<std::uint64_t>(segments.size(s));
    if (size > 0) of_width[static_cast<std::int64_t>(std::bit_ceil(size))].push_back(s);
  }
  if (of_width.empty()) return segment_sum(x, segments);
  std::vector<Tensor> parts;  // [segments of a width, ...]
  std::vector<std::int32_t> place(static_cast<std::size_t>(segments.count()), kNoRow);  // in these
  std::int32_t placed = 0;
  for (const auto& [width, members] : of_width) {
    std::vector<std::int32_t> list;
    for (const std::int64_t s : members) {
      place[static_cast<std::size_t>(s)] = placed++;
      for (std::int64_t row = segments.begin(s); row < segments.begin(s) + width; ++row) {
        list.push_back(row < segments.end(s) ? static_cast<std::int32_t>(row) : kNoRow);
      }
    }
    const Tensor rows = from_vector(list, {std::ssize(members), width}, &x.backend());
    const Tensor padded = gather(x, rows);
    parts.push_back(max(where(column(rows != kNoRow, padded), padded, -kInfinity), 1));
  }
  return gather(concat(parts, 0), from_vector(place, {segments.count()}, &x.backend()));
}

// As softmax: y = e^x / sum(e^x), dL/dx = y (g - sum(g y)), the sums over the row's segment.
Tensor segment_softmax(const Tensor& x, const Segments& segments) {
  const Tensor y = [&] {
    NoGrad off;
    const Tensor largest = segment_max(x, segments);
    const Tensor m = where(largest == -kInfinity, 0, largest);
    const Tensor e = exp(x - segment_expand(m, segments));
    const Tensor total = segment_sum(e, segments);
    return e / segment_expand(where(total == 0, 1, total), segments);
  }();
  return record("segment_softmax", y, edge(x, [segments](const Tensor& g, const Tensor& result) {
                  const Tensor total = segment_sum(g * result, segments);
                  return result * (g - segment_expand(total, segments));
                }));
}

Windows segment_windows(const Segments& segments, const WindowOptions& options, Backend& backend) {
  const std::int64_t size = options.size, stride = options.stride, padding = options.padding;
  if (std::max(size, stride) > std::numeric_limits<std::int32_t>::max()) {
    throw ShapeError(
        fmt::format("[segment_windows] size {} and stride {} must fit i32", size, stride));
  }
  if (size < 1 || stride < 1 || padding < 0 || padding >= size) {
    throw ShapeError(
        fmt::format("[segment_windows] size {} and stride {} must be at least 1, padding {} in "
                    "[0, size): a window that sees nothing but padding is of no use",
                    size, stride, padding));
  }
  std::vector<std::int32_t> rows;
  std::vector<std::int32_t> offsets{0};
  for (std::int64_t s = 0; s < segments.count(); ++s) {
    const std::int64_t begin = segments.begin(s), end = segments.end(s);
    // The last place where a window may begin: its end within the padding, or for partial ones, of
    // which only the last may be cut, on the last row and before any whole one would have ended.
    const std::int64_t last = options.partial
                                  ? std::min(end - 1, std::max(begin, end - size) + stride - 1)
                                  : end + padding - size;
    for (std::int64_t first = begin - padding; begin < end && first <= last; first += stride) {
      for (std::int64_t row = first; row < first + size; ++row) {
        rows.push_back(row < begin || row >= end ? kNoRow : static_cast<std::int32_t>(row));
      }
    }
    offsets.push_back(static_cast<std::int32_t>(static_cast<std::int64_t>(rows.size()) / size));
  }
  return {from_vector(rows, {offsets.back(), size}, &backend), Segments(offsets)};
}

Tensor segment_conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const Windows& windows) {
  if (x.rank() != 2 || weight.rank() != 3 || x.size(1) != weight.size(1) ||
      weight.size(2) != windows.rows.size(1)) {
    throw ShapeError(fmt::format(
        "[segment_conv1d] x {} must be [rows, in], weight {} [out, in, size], "
        "and the windows {} [windows, size]",
        to_string(x.shape()), to_string(weight.shape()), to_string(windows.rows.shape())));
  }
  const Tensor seen = flatten(gather(x, windows.rows), 1, 2);  // [windows, size * in]
  return linear(seen, flatten(permute(weight, {0, 2, 1}), 1, 2), bias);
}

Tensor segment_max_pool1d(const Tensor& x, const Windows& windows) {
  const Tensor seen = gather(x, windows.rows);  // [windows, size, dim]
  return max(where(column(windows.rows != kNoRow, seen), seen, -kInfinity), 1);
}

}  // namespace gradus
