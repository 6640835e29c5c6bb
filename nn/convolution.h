// Convolution and pooling along time, in two forms.
//
// Dense, channels before time as in PyTorch:
//   nn::Conv1d conv(128, 64, 3, {.padding = 1});
//   Tensor y = conv(x);                              // x [batch, 128, time] -> [batch, 64, time]
//
// Ragged, over the packed rows of texts of different lengths (autograd/segments.h); windows never
// cross from one text into the next:
//   Windows w = conv.windows(texts);                 // reusable by all layers with these windows
//   Tensor y = conv(x, w);                           // x [rows, 128] -> [w.segments.rows(), 64]
#pragma once

#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::nn {

struct Conv1dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // zeros at both ends
  bool bias = true;
};

class Conv1d : public Module {
 public:
  // Weight and bias start uniform in +-1 / sqrt(in * size), as in PyTorch. Throws ShapeError unless
  // all sizes and the stride are at least 1 and padding is not negative.
  Conv1d(std::int64_t in, std::int64_t out, std::int64_t size, Conv1dOptions options = {});

  Tensor operator()(const Tensor& x) const;  // [batch, in, time] -> [batch, out, windows]
  Tensor operator()(const Tensor& x, const Windows& windows) const;  // [rows, in] -> [windows, out]
  Windows windows(const Segments& segments) const;
  void visit(Visitor& v) override;
  std::string detail() const override;

  Tensor weight;  // [out, in, size]
  Tensor bias;    // [out], or undefined

 private:
  std::int64_t stride_, padding_;
};

// The windows of pooling: `size` elements, `stride` apart (0: size, so that they do not overlap).
// In the ragged form the last window of a text may be shorter, so that short texts keep a row.
class Pool1d : public Module {
 public:
  Windows windows(const Segments& segments, Backend& backend = default_backend()) const;
  std::string detail() const override;

 protected:
  Pool1d(const char* type, std::int64_t size, std::int64_t stride);
  std::int64_t size_, stride_;
};

class MaxPool1d : public Pool1d {
 public:
  explicit MaxPool1d(std::int64_t size, std::int64_t stride = 0)
      : Pool1d("MaxPool1d", size, stride) {}
  Tensor operator()(const Tensor& x) const;  // [..., time] -> [..., windows]
  Tensor operator()(const Tensor& x,
                    const Windows& windows) const;  // [rows, dim] -> [windows, dim]
};

class AvgPool1d : public Pool1d {
 public:
  explicit AvgPool1d(std::int64_t size, std::int64_t stride = 0)
      : Pool1d("AvgPool1d", size, stride) {}
  Tensor operator()(const Tensor& x) const;
  Tensor operator()(const Tensor& x, const Windows& windows) const;
};

}  // namespace gradus::nn
