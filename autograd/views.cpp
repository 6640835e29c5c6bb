// Views: other layouts of the same memory. Their gradients are the inverse views.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "autograd/compute.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus {

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return unchanged(x);
  if (x.numel() != shape.numel()) {
    throw ShapeError(fmt::format("[reshape] {} has {} elements, {} has {}", to_string(x.shape()),
                                 x.numel(), to_string(shape), shape.numel()));
  }
  const std::optional<Layout> layout = x.layout().reshaped(shape);
  const Tensor y =
      layout ? x.with_layout(*layout) : compute::contiguous(x).with_layout(Layout(shape));
  return record("reshape", y,
                edge(x, [from = x.shape()](const Tensor& g) { return reshape(g, from); }));
}

Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> shape) {
  std::vector<std::int64_t> sizes(shape);
  const auto open = std::find(sizes.begin(), sizes.end(), -1);
  if (open != sizes.end()) {
    if (std::count(sizes.begin(), sizes.end(), -1) > 1) {
      throw ShapeError(
          fmt::format("[reshape] only one size may be -1, got [{}]", fmt::join(shape, ", ")));
    }
    *open = 1;
    const std::int64_t rest = Shape(sizes).numel();
    if (rest == 0 || x.numel() % rest != 0) {
      throw ShapeError(
          fmt::format("[reshape] no size in place of -1 makes [{}] of the {} elements of {}",
                      fmt::join(shape, ", "), x.numel(), to_string(x.shape())));
    }
    *open = x.numel() / rest;
  }
  return reshape(x, Shape(sizes));
}

Tensor flatten(const Tensor& x, int first, int last) {
  if (x.rank() == 0) return reshape(x, {1});
  const int from = x.shape().axis_at(first);
  const int to = x.shape().axis_at(last);
  if (from > to) {
    throw ShapeError(fmt::format("[flatten] axis {} of {} is not before axis {}", first,
                                 to_string(x.shape()), last));
  }
  std::vector<std::int64_t> sizes(x.shape().begin(), x.shape().begin() + from + 1);
  for (int axis = from + 1; axis <= to; ++axis) sizes.back() *= x.size(axis);
  sizes.insert(sizes.end(), x.shape().begin() + to + 1, x.shape().end());
  return reshape(x, Shape(sizes));
}

Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  const Tensor y = x.with_layout(x.layout().permuted(axes));
  std::vector<int> inverse(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    inverse[static_cast<std::size_t>(x.shape().axis_at(axes[i]))] = static_cast<int>(i);
  }
  return record("permute", y, edge(x, [inverse](const Tensor& g) { return permute(g, inverse); }));
}

Tensor transpose(const Tensor& x, int a, int b) {
  std::vector<int> axes(static_cast<std::size_t>(x.rank()));
  for (std::size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int>(i);
  std::swap(axes[static_cast<std::size_t>(x.shape().axis_at(a))],
            axes[static_cast<std::size_t>(x.shape().axis_at(b))]);
  return permute(x, axes);
}

namespace {

Layout place_of(const Slice& s, const Layout& whole) {
  return whole.sliced(s.axis, s.start, s.stop, s.step);
}

Tensor take(const Tensor& x, const Slice& slice);

// The inverse of take: zeros of `shape` with x in the slice.
Tensor embed(const Tensor& x, const Shape& shape, const Slice& slice) {
  Tensor y = zeros(shape, x.options());
  compute::copy_into(x, y, place_of(slice, y.layout()));
  return record("embed", y, edge(x, [slice](const Tensor& g) { return take(g, slice); }));
}

// The same as a gradient, which is one with others before it fills memory.
Gradient placed(const Tensor& x, const Shape& shape, const Slice& slice) {
  return grad_enabled() ? embed(x, shape, slice) : Gradient::of_slice(x, slice, shape);
}

Tensor take(const Tensor& x, const Slice& slice) {
  return record(
      "slice", x.with_layout(place_of(slice, x.layout())),
      edge(x, [slice, shape = x.shape()](const Tensor& g) { return placed(g, shape, slice); }));
}

}  // namespace

Tensor slice(const Tensor& x, int axis, std::int64_t start, std::optional<std::int64_t> stop,
             std::int64_t step) {
  const std::int64_t size = x.size(axis);
  const auto within = [size](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t first = within(start);
  return take(x, {axis, first, std::max(first, within(stop.value_or(size))), step});
}

Tensor Tensor::operator[](std::int64_t i) const { return select(*this, 0, i); }

Tensor select(const Tensor& x, int axis, std::int64_t index) {
  const std::int64_t size = x.size(axis);
  const std::int64_t at = index < 0 ? index + size : index;
  if (at < 0 || at >= size) {
    throw IndexError(fmt::format("[select] index {} is outside axis {} of {}", index, axis,
                                 to_string(x.shape())));
  }
  return squeeze(take(x, {axis, at, at + 1, 1}), axis);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return unchanged(x);
  return record("expand", x.with_layout(x.layout().broadcast_to(shape)),
                edge(x, [](const Tensor& g) { return g; }));  // the engine sums
}

Tensor expand(const Tensor& x, std::initializer_list<std::int64_t> shape) {
  std::vector<std::int64_t> sizes(shape);
  for (std::size_t back = 1; back <= sizes.size() && static_cast<int>(back) <= x.rank(); ++back) {
    std::int64_t& size = sizes[sizes.size() - back];
    if (size == -1) size = x.size(-static_cast<int>(back));
  }
  return expand(x, Shape(sizes));
}

Tensor squeeze(const Tensor& x, int axis) {
  if (x.size(axis) != 1) {
    throw ShapeError(fmt::format("[squeeze] axis {} of {} has size {}, not 1", axis,
                                 to_string(x.shape()), x.size(axis)));
  }
  return reshape(x, x.shape().without(axis));
}

Tensor unsqueeze(const Tensor& x, int axis) { return reshape(x, x.shape().inserted(axis, 1)); }

Tensor concat(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) throw ShapeError("[concat] needs at least one tensor");
  const Shape& first = parts[0].shape();
  const int at = first.axis_at(axis);
  std::int64_t total = 0;
  for (const Tensor& part : parts) {
    compute::check_same("concat", parts[0], part);
    if (part.rank() != first.rank() || part.shape().with(at, 0) != first.with(at, 0)) {
      throw ShapeError(fmt::format("[concat] {} and {} may differ only along axis {}",
                                   to_string(first), to_string(part.shape()), axis));
    }
    if (__builtin_add_overflow(total, part.size(at), &total)) {
      throw ShapeError(
          fmt::format("[concat] the sizes along axis {} do not add up in 64 bits", axis));
    }
  }
  Tensor whole = empty(first.with(at, total), parts[0].options());
  std::vector<Edge> edges;
  std::int64_t start = 0;
  for (const Tensor& part : parts) {
    const Slice slice{at, start, start + part.size(at), 1};
    compute::copy_into(part, whole, place_of(slice, whole.layout()));
    edges.push_back(edge(part, [slice](const Tensor& g) { return take(g, slice); }));
    start = slice.stop;
  }
  return record("concat", whole, std::move(edges));
}

Tensor stack(const std::vector<Tensor>& parts, int axis) {
  if (parts.empty()) throw ShapeError("[stack] needs at least one tensor");
  std::vector<Tensor> thick;
  for (const Tensor& part : parts) {
    compute::check_same("stack", parts[0], part);
    if (part.shape() != parts[0].shape()) {
      throw ShapeError(fmt::format("[stack] shapes differ: {} and {}; concat() joins along an axis",
                                   to_string(parts[0].shape()), to_string(part.shape())));
    }
    thick.push_back(unsqueeze(part, axis));
  }
  return concat(thick, axis);
}

Tensor pad(const Tensor& x, int axis, std::int64_t before, std::int64_t after) {
  x.shape().axis_at(axis);
  if (before < 0 || after < 0) {
    throw ShapeError(
        fmt::format("[pad] negative padding {}, {}; use slice() to cut", before, after));
  }
  if (before == 0 && after == 0) return unchanged(x);
  const std::int64_t size = x.size(axis);
  std::int64_t padded = 0;
  if (__builtin_add_overflow(before, size, &padded) ||
      __builtin_add_overflow(padded, after, &padded)) {
    throw ShapeError(fmt::format("[pad] axis {} of {} padded by {} and {} does not fit 64 bits",
                                 axis, to_string(x.shape()), before, after));
  }
  return embed(x, x.shape().with(axis, padded), {axis, before, before + size, 1});
}

// Window w, place j is element w * step + j: strides say it without a copy. In the gradient each
// place of the windows adds its own evenly spaced slice; windows side by side are x itself, but for
// what is left over at its end.
Tensor unfold(const Tensor& x, int axis, std::int64_t size, std::int64_t step) {
  const int at = x.shape().axis_at(axis);
  if (size < 1 || step < 1 || size > x.size(at)) {
    throw ShapeError(fmt::format("[unfold] windows of {} every {} do not fit axis {} of {}", size,
                                 step, axis, to_string(x.shape())));
  }
  const std::int64_t windows = (x.size(at) - size) / step + 1;
  Layout layout = x.layout();
  layout.shape = x.shape().with(at, windows).inserted(-1, size);
  if (windows > 1) layout.strides[static_cast<std::size_t>(at)] *= step;
  layout.strides[static_cast<std::size_t>(x.rank())] = x.layout().stride(at);
  return record("unfold", x.with_layout(layout),
                edge(x, [shape = x.shape(), at, size, step, windows](const Tensor& g) -> Gradient {
                  if (step == size) {
                    std::vector<int> axes(static_cast<std::size_t>(shape.rank()));
                    std::iota(axes.begin(), axes.end(), 0);
                    axes.insert(axes.begin() + at + 1, shape.rank());
                    const Tensor laid = flatten(permute(g, axes), at, at + 1);
                    return pad(laid, at, 0, shape[at] - laid.size(at));
                  }
                  Gradient sum;
                  for (std::int64_t j = 0; j < size; ++j) {
                    const Slice places{at, j, j + (windows - 1) * step + 1, step};
                    sum += placed(select(g, -1, j), shape, places);
                  }
                  return sum;
                }));
}

Tensor contiguous(const Tensor& x) {
  if (x.layout().is_contiguous()) return unchanged(x);
  return record("contiguous", compute::contiguous(x), edge(x, [](const Tensor& g) { return g; }));
}

Tensor clone(const Tensor& x) {
  return record("clone", compute::copy(x), edge(x, [](const Tensor& g) { return g; }));
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis) {
  const std::int64_t whole = x.size(axis);
  std::vector<Tensor> pieces;
  std::int64_t start = 0;
  for (std::int64_t size : sizes) {
    if (size < 0 || size > whole - start) {
      start = -1;
      break;
    }
    pieces.push_back(slice(x, axis, start, start + size));
    start += size;
  }
  if (start != whole) {
    throw ShapeError(fmt::format("[split] sizes [{}] do not add up to axis {} of {}",
                                 fmt::join(sizes, ", "), axis, to_string(x.shape())));
  }
  return pieces;
}

std::vector<Tensor> split(const Tensor& x, std::int64_t size, int axis) {
  if (size < 1)
    throw ShapeError(fmt::format("[split] cannot cut {} into pieces of {}: at least 1 is needed",
                                 to_string(x.shape()), size));
  std::vector<std::int64_t> sizes;
  std::int64_t left = x.size(axis);
  do {
    sizes.push_back(std::min(size, left));
    left -= sizes.back();
  } while (left > 0);
  return split(x, sizes, axis);
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int axis) {
  if (count < 1)
    throw ShapeError(fmt::format("[chunk] cannot cut {} into {} pieces: at least 1 is needed",
                                 to_string(x.shape()), count));
  const std::int64_t size = x.size(axis) / count + (x.size(axis) % count == 0 ? 0 : 1);
  return split(x, std::max<std::int64_t>(size, 1), axis);
}

}  // namespace gradus
