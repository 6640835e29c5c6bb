// Recurrent layers: a state that reads the rows of a text one after another and says, after each, what
// it remembers. Ragged batches take as many steps as their longest text has rows, and none on padding.
//
//   nn::LSTM lstm(128, 256, {.layers = 2, .bidirectional = true});
//   auto [y, h, c] = lstm(x, texts);      // x [rows, 128] -> y [rows, 512], h and c [4, texts, 256]
//
// A state can be handed on: to the next part of a text, or from an encoder to a decoder that is given
// one row of each text at a time.
//
//   auto [z, h2, c2] = lstm(word, Segments({0, 1, 2}), h, c);       // two texts
//
// Parameters have PyTorch's names, shapes, first values and order of gates: weight_ih_l0, weight_hh_l0,
// bias_ih_l0, bias_hh_l0, then those of weight_ih_l0_reverse and of the next layer.
#pragma once

#include <utility>
#include <vector>

#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::nn {

struct RecurrentOptions {
  std::int64_t layers = 1;  // each reads what the one before says
  bool bias = true;
  bool bidirectional = false;  // a second state reads from the end; both are said side by side
  double dropout = 0;          // of what is said from layer to layer, in training
};

class Recurrent : public Module {
 public:
  struct Result {
    Tensor output;  // [rows, hidden], or [rows, 2 hidden] of both directions
    Tensor h;       // after the last row of each text: [layers * directions, count, hidden]
    Tensor c;       // likewise, for LSTM
  };
  // x [rows, in]; h and c as in the result, undefined: zeros. A text without rows keeps its state.
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
  // The state after a row, from its gates' two parts [n, gates * hidden].
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

// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 1997, with the forget gate
// of Gers et al. (2000). Gates i, f, g, o = W_ih x + b_ih + W_hh h + b_hh in four parts:
//   c' = sigmoid(f) c + sigmoid(i) tanh(g),   h' = sigmoid(o) tanh(c')
class LSTM : public Recurrent {
 public:
  LSTM(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent("LSTM", 4, 2, in, hidden, options) {}

 private:
  State step(const Tensor& from_x, const Tensor& from_h, const State& before) const override;
};

// Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014, with the reset gate
// after the product as in PyTorch. Gates r, z, n in three parts, from x and from h:
//   r = sigmoid(r_x + r_h),   z = sigmoid(z_x + z_h),   n = tanh(n_x + r n_h),   h' = (1 - z) n + z h
class GRU : public Recurrent {
 public:
  GRU(std::int64_t in, std::int64_t hidden, const RecurrentOptions& options = {})
      : Recurrent("GRU", 3, 1, in, hidden, options) {}

 private:
  State step(const Tensor& from_x, const Tensor& from_h, const State& before) const override;
};

}  // namespace gradus::nn
