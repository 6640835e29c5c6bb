// Ragged batches without padding: texts of different lengths lie one after another in the rows of
// one tensor [rows, ...], and a list of offsets says where each begins.
//
//   Segments texts({0, 3, 3, 5});        // three texts: rows 0..2, none, rows 3..4
//   texts.count() == 3, texts.rows() == 5, texts.size(1) == 0
//   Tensor m = segment_mean(x, texts);   // x [5, dim] -> [3, dim]
//
// A Segments is cheap to copy; its index tensors are made once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "tensor/tensor.h"

namespace gradus {

class Segments {
 public:
  // Offsets begin with 0 and never fall; there is one more than there are segments.
  // Throws ShapeError otherwise.
  Segments(std::vector<std::int32_t> offsets);  // NOLINT: a list of offsets is a Segments
  // `count` segments of `size` rows: a dense batch [count, size, ...] whose first axes were flattened.
  static Segments equal(std::int64_t count, std::int64_t size);

  std::int64_t count() const { return static_cast<std::int64_t>(data_->offsets.size()) - 1; }
  std::int64_t rows() const { return data_->offsets.back(); }
  // Throw IndexError for a segment that is not there.
  std::int64_t begin(std::int64_t segment) const { return data_->offsets[at(segment)]; }
  std::int64_t end(std::int64_t segment) const { return data_->offsets[at(segment) + 1]; }
  std::int64_t size(std::int64_t segment) const { return end(segment) - begin(segment); }
  std::int64_t longest() const;
  const std::vector<std::int32_t>& offsets() const { return data_->offsets; }

  // The offsets as a tensor: i32 [count + 1].
  Tensor offsets_on(Backend& backend) const;
  // Of each row the segment that it lies in: i32 [rows].
  Tensor ids_on(Backend& backend) const;
  // Of each segment its rows, filled up with -1 to the longest: i32 [count, longest]. gather() with
  // these pads: x [rows, dim] -> [count, longest, dim], zeros where there is nothing.
  Tensor padded_rows_on(Backend& backend) const;

 private:
  std::size_t at(std::int64_t segment) const;
  struct Data {
    std::vector<std::int32_t> offsets;
    std::mutex mutex;  // over the tensors, which are made when first asked for
    Tensor offsets_tensor, ids, padded_rows;
  };
  template <class Values>
  Tensor index(Tensor& kept, const Shape& shape, Backend& backend, Values values) const;
  std::shared_ptr<Data> data_;
};

// x [rows, ...] -> [count, ...]: over the rows of each segment. An empty segment gives zeros.
// All throw ShapeError unless x has segments.rows() rows.
Tensor segment_sum(const Tensor& x, const Segments& segments);
Tensor segment_mean(const Tensor& x, const Segments& segments);
Tensor segment_max(const Tensor& x, const Segments& segments);
// x [rows, ...] -> the same shape: e^x / (the sum of e^x over its segment), each column by itself.
// Rows of -inf get zero, also where a whole segment is -inf.
Tensor segment_softmax(const Tensor& x, const Segments& segments);
// y[row] = x[segment of the row]: x [count, ...] -> [rows, ...], the reverse of segment_sum.
Tensor segment_expand(const Tensor& x, const Segments& segments);

// Windows of `size` rows, `step` apart, that never cross a segment's ends; `padding` rows of zeros
// stand before and after each segment (fewer than size, so that every window sees a row). A window
// that would not fit the segment is left out, but for pooling (`partial`), where it is cut short.
struct WindowOptions {
  std::int64_t size = 3;
  std::int64_t step = 1;
  std::int64_t padding = 0;
  bool partial = false;
};
struct Windows {
  Tensor rows;        // i32 [windows, size]: what each window sees, -1 for a place outside
  Segments segments;  // of the windows
};
Windows segment_windows(const Segments& segments, const WindowOptions& options, Backend& backend);

// A convolution over each segment: x [rows, in], weight [out, in, size], bias [out] or undefined:
// [windows, out]. step 1 and padding size / 2 keep the length (size odd).
Tensor segment_conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                      const Windows& windows);
// The largest of each window: x [rows, dim] -> [windows, dim].
Tensor segment_max_pool1d(const Tensor& x, const Windows& windows);

}  // namespace gradus
