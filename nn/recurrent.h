// Recurrent layers read the rows of a text one after another, and output their state after each
// row. A ragged batch takes as many steps as its longest text has rows, and none for padding.
//
//   nn::LSTM lstm(128, 256, {.layers = 2, .bidirectional = true});
//   auto [y, h, c] = lstm(x, texts);      // x [rows, 128] -> y [rows, 512], h and c [4, texts, 256]
//
// A state can be passed on, to the next part of a text or from an encoder to a decoder that gets
// one row of each text at a time.
//
//   auto [z, h2, c2] = lstm(word, Segments({0, 1, 2}), h, c);       // two texts
//
// Parameters have PyTorch's names, shapes, initial values and order of gates: weight_ih_l0,
// weight_hh_l0, bias_ih_l0, bias_hh_l0, then weight_ih_l0_reverse ..., then the next layer's.
#pragma once

#include <utility>
#include <vector>

#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::nn {

struct RecurrentOptions {
  std::int64_t layers = 1;  // each reads the output of the one before
  bool bias = true;
  bool bidirectional = false;  // a second state reads from the end; the outputs are concatenated
  double dropout = 0;          // of the outputs between layers, in training mode
};

class Recurrent : public Module {
 public:
  struct Result {
    Tensor output;  // [rows, hidden], or [rows, 2 hidden] if bidirectional
    Tensor h;       // the state after each text's last row: [layers * directions, count, hidden]
    Tensor c;       // likewise; LSTM only
  };
  // x [rows, in]; h and c shaped as in Result, undefined for zeros. A text without rows keeps its
  // state. Throws ShapeError for shapes that do not fit, or for a c that is not an LSTM's.
  Result operator()(const Tensor& x, const Segments& segments, const Tensor& h = {},
                    const Tensor& c = {}) const;
  void visit(Visitor& v) override;
  std::string detail() const override;

  struct Cell {
    Tensor weight_ih, weight_hh;  // [gates * hidden, in], [gates * hidden, hidden]
    Tensor bias_ih, bias_hh;      // [gates * hidden], or undefined
  };
  std::vector<Cell> cells;  // layer 0, layer 0 from the end, layer 1, ...

 protected:
  using State = std::vector<Tensor>;  // {h} or {h, c}, each [n, hidden]

  // `states`: 1 for h, 2 for h and c.
  Recurrent(const char* type, std::int64_t gates, std::size_t states, std::int64_t in,
            std::int64_t hidden, const RecurrentOptions& options);
  // The next state, from the gates' contributions of x and of h, [n, gates * hidden] each.
  virtual State step(const Tensor& from_x, const Tensor& from_h, const State& before) const = 0;

 private:
  struct Schedule;
  State initial(const State& given, std::size_t cell, std::int64_t count, const Tensor& x) const;
  std::pair<Tensor, State> run(const Cell& cell, const Tensor& x, const Schedule& schedule,
                               State state) const;

  std::size_t states_;
  std::int64_t in_, hidden_;
  RecurrentOptions options_;
};

// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997, with the forget
// gate of Gers et al. (2000). Gates i, f, g, o = W_ih x + b_ih + W_hh h + b_hh in four parts:
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c')
class LSTM : public Recurrent {
 public:
  LSTM(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent("LSTM", 4, 2, in, hidden, options) {}

 private:
  State step(const Tensor& from_x, const Tensor& from_h, const State& before) const override;
};

// Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, with the reset
// gate after the product as in PyTorch. Gates r, z, n in three parts, from x and from h:
//   r = sigmoid(r_x + r_h),   z = sigmoid(z_x + z_h),   n = tanh(n_x + r n_h),   h' = (1 - z) n + z h
class GRU : public Recurrent {
 public:
  GRU(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent("GRU", 3, 1, in, hidden, options) {}

 private:
  State step(const Tensor& from_x, const Tensor& from_h, const State& before) const override;
};

}  // namespace gradus::nn
