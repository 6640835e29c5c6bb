// Ragged batches without padding: texts of different lengths are packed one after another into the
// rows of a tensor [rows, ...], and a list of offsets says where each begins.
//
//   Segments texts({0, 3, 3, 5});        // three texts: rows 0..2, none, rows 3..4
//   texts.count() == 3, texts.rows() == 5, texts.size(1) == 0
//   Tensor m = segment_mean(x, texts);   // x [5, dim] -> [3, dim]
//
// Cheap to copy. The index tensors below are created on first use and kept.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

class Segments {
 public:
  // Offsets [count + 1] begin with 0 and never decrease. Throws ShapeError otherwise.
  Segments(std::vector<std::int32_t> offsets);  // NOLINT: a list of offsets is a Segments
  // `count` segments of `size` rows: a dense batch [count, size, ...], its first axes flattened.
  static Segments equal(std::int64_t count, std::int64_t size);

  std::int64_t count() const { return static_cast<std::int64_t>(data_->offsets.size()) - 1; }
  std::int64_t rows() const { return data_->offsets.back(); }
  // Rows begin .. end - 1 of the tensor. All three throw IndexError outside [0, count).
  std::int64_t begin(std::int64_t segment) const { return data_->offsets[at(segment)]; }
  std::int64_t end(std::int64_t segment) const { return data_->offsets[at(segment) + 1]; }
  std::int64_t size(std::int64_t segment) const { return end(segment) - begin(segment); }
  std::int64_t longest() const;
  const std::vector<std::int32_t>& offsets() const { return data_->offsets; }

  // The offsets as a tensor: i32 [count + 1].
  Tensor offsets_on(Backend& backend) const;
  // The segment of each row: i32 [rows].
  Tensor ids_on(Backend& backend) const;
  // The rows of each segment, padded with -1 to the longest: i32 [count, longest]. gather() with
  // these makes a padded batch: x [rows, dim] -> [count, longest, dim], with zeros for padding.
  Tensor padded_rows_on(Backend& backend) const;

 private:
  std::size_t at(std::int64_t segment) const;
  struct Data {
    std::vector<std::int32_t> offsets;
    std::mutex mutex;  // guards the tensors, which are made on first use
    Tensor offsets_tensor, ids, padded_rows;
  };
  template <class Values>
  Tensor index(Tensor& kept, const Shape& shape, Backend& backend, Values values) const;
  std::shared_ptr<Data> data_;
};

// Over the rows of each segment: x [rows, ...] -> [count, ...]. An empty segment gives zeros.
// All throw ShapeError unless x has segments.rows() rows.
Tensor segment_sum(const Tensor& x, const Segments& segments);
Tensor segment_mean(const Tensor& x, const Segments& segments);
Tensor segment_max(const Tensor& x, const Segments& segments);
// e^x / (the sum of e^x over its segment), for each column: x [rows, ...] -> the same shape.
// Elements of -inf give zero, even if the whole segment is -inf.
Tensor segment_softmax(const Tensor& x, const Segments& segments);
// Repeats row i of x for each row of segment i: x [count, ...] -> [rows, ...].
Tensor segment_expand(const Tensor& x, const Segments& segments);

// Windows over the rows of each segment, which never cross from one segment into the next.
struct WindowOptions {
  std::int64_t size = 3;     // rows in a window
  std::int64_t stride = 1;   // rows from one window to the next
  std::int64_t padding = 0;  // rows of zeros before and after each segment; less than size
  // Whether a last window that does not fit the segment is cut short, for pooling, or left out.
  bool partial = false;
};
struct Windows {
  Tensor rows;        // i32 [windows, size]: the rows that each window sees, -1 outside the segment
  Segments segments;  // the windows of each segment
};
// Throws ShapeError unless size and stride are at least 1 and 0 <= padding < size.
Windows segment_windows(const Segments& segments, const WindowOptions& options, Backend& backend);

// A convolution over each segment: x [rows, in], weight [out, in, size], bias [out] or undefined ->
// [windows, out]. Stride 1 and padding size / 2 keep the length (for odd size).
Tensor segment_conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const Windows& windows);
// The maximum of each window: x [rows, dim] -> [windows, dim].
Tensor segment_max_pool1d(const Tensor& x, const Windows& windows);

}  // namespace gradus
