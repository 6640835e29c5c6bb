// Encoders read words: tokens [rows], in texts, to elements [rows', dim] for attention to choose from.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "apps/classify/config.h"
#include "autograd/segments.h"
#include "nn/convolution.h"
#include "nn/embedding.h"
#include "nn/linear.h"
#include "nn/module.h"
#include "nn/transformer.h"

namespace gradus::classify {

// A text's elements, and which of its tokens each stands for: element e covers the `stride` tokens from
// e * stride on.
struct Elements {
  Tensor values;      // [elements, dim]
  Segments segments;  // the elements of each text
  std::int64_t stride = 1;
};

class Encoder : public nn::Module {
 public:
  virtual Elements operator()(const std::vector<std::int32_t>& tokens,
                              const Segments& texts) const = 0;
  virtual Tensor table() const = 0;  // [words, dim]
};

// Each word by itself: Embedding, Linear, ReLU, Linear.
class LinearEncoder : public Encoder {
 public:
  explicit LinearEncoder(const Config& config);
  Elements operator()(const std::vector<std::int32_t>& tokens,
                      const Segments& texts) const override;
  Tensor table() const override { return embed_.weight; }
  void visit(nn::Visitor& v) override;

 private:
  nn::Embedding embed_;
  nn::Linear wide_, narrow_;
  double dropout_;
};

// Words and their neighbours: Embedding, then layers of Conv1d over three elements, ReLU, and the
// larger of every two neighbours.
class ConvEncoder : public Encoder {
 public:
  explicit ConvEncoder(const Config& config);
  Elements operator()(const std::vector<std::int32_t>& tokens,
                      const Segments& texts) const override;
  Tensor table() const override { return embed_.weight; }
  void visit(nn::Visitor& v) override;

 private:
  nn::Embedding embed_;
  std::vector<nn::Conv1d> convolutions_;
  nn::MaxPool1d pool_{2};
  double dropout_;
};

// Every word with every other of its text: Embedding plus sinusoidal positions, then layers of a
// Transformer encoder.
class TransformerEncoder : public Encoder {
 public:
  explicit TransformerEncoder(const Config& config);
  Elements operator()(const std::vector<std::int32_t>& tokens,
                      const Segments& texts) const override;
  Tensor table() const override { return embed_.weight; }
  void visit(nn::Visitor& v) override;

 private:
  nn::Embedding embed_;
  std::vector<nn::TransformerEncoderLayer> layers_;
  double dropout_;
};

std::unique_ptr<Encoder> make_encoder(const Config& config);

}  // namespace gradus::classify
