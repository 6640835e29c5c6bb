// Positions: without them, attention sees a text as a bag of words.
//
//   x = x + nn::sinusoidal_positions(texts, 128);        // packed: counted within each text
//   x = x + positions(texts);                            // nn::LearnedPositions positions(512, 128)
//   q = nn::rotary(q, nn::sinusoidal_positions(time, d)) // rotates queries and keys instead
#pragma once

#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::nn {

// Row p holds sin(p w_i) at column 2i and cos(p w_i) at 2i + 1, with w_i = 10000^(-2i / dim):
// f32 [count, dim]. Vaswani et al., "Attention is all you need", 2017, section 3.5.
Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim,
                            Backend& backend = default_backend());
// The same for a packed batch, [rows, dim]: positions restart from 0 in every segment.
Tensor sinusoidal_positions(const Segments& segments, std::int64_t dim,
                            Backend& backend = default_backend());

// Rotates each pair of columns (2i, 2i + 1) of x [..., dim] by the angle p w_i. `positions`, made
// by sinusoidal_positions with dim columns, holds the angles' sines and cosines and broadcasts to
// x. The dot product of a query and a key, each rotated by its position, then depends only on their
// distance. Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
// Throws ShapeError for odd dim.
Tensor rotary(const Tensor& x, const Tensor& positions);

// A learned vector for each position up to a limit.
class LearnedPositions : public Module {
 public:
  // Weight starts normal with this standard deviation, as usual for embeddings in language models.
  LearnedPositions(std::int64_t limit, std::int64_t dim, double deviation = 0.02);

  // Both throw IndexError for a text longer than the limit.
  Tensor operator()(std::int64_t count) const;        // [count, dim]
  Tensor operator()(const Segments& segments) const;  // packed: [rows, dim]
  void visit(Visitor& v) override { v("weight", weight); }
  std::string detail() const override;

  Tensor weight;  // [limit, dim]

 private:
  void check_longest(std::int64_t count) const;
};

}  // namespace gradus::nn
