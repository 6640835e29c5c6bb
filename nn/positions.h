// Places: attention sees a text as a bag of words unless it is told where they stand.
//
//   x = x + nn::sinusoidal_positions(texts, 128);        // packed: counted within each text
//   x = x + positions(texts);                            // nn::LearnedPositions positions(512, 128)
//   q = nn::rotary(q, nn::sinusoidal_positions(time, d)) // turns queries and keys instead
#pragma once

#include "autograd/segments.h"
#include "nn/module.h"

namespace gradus::nn {

// Row p holds sin(p w_i) at column 2i and cos(p w_i) at 2i + 1, with w_i = 10000^(-2i / dim):
// f32 [count, dim]. Vaswani et al., "Attention is all you need", 2017, section 3.5.
Tensor sinusoidal_positions(std::int64_t count, std::int64_t dim,
                            Backend& backend = default_backend());
// The same for a packed batch: places start again from 0 in every segment. [rows, dim].
Tensor sinusoidal_positions(const Segments& segments, std::int64_t dim,
                            Backend& backend = default_backend());

// x [..., dim] with each pair of columns (2i, 2i + 1) turned by the angle p w_i, where `positions`
// (sinusoidal_positions of dim columns, which broadcasts to x) hold its sine and cosine. The product
// of a query turned by its place and a key by its own then depends on their distance alone. Su et al.,
// "RoFormer: enhanced transformer with rotary position embedding", 2021. Throws ShapeError for odd dim.
Tensor rotary(const Tensor& x, const Tensor& positions);

// A learned row for each place up to a limit.
class LearnedPositions : public Module {
 public:
  // Weight starts normal with this deviation, as words' vectors in most models of text.
  LearnedPositions(std::int64_t limit, std::int64_t dim, double deviation = 0.02);

  // Throw IndexError for a text longer than the limit.
  Tensor operator()(std::int64_t count) const;        // [count, dim]
  Tensor operator()(const Segments& segments) const;  // packed: [rows, dim]
  void visit(Visitor& v) override { v("weight", weight); }
  std::string detail() const override;

  Tensor weight;  // [limit, dim]

 private:
  void check_longest(std::int64_t count) const;
};

}  // namespace gradus::nn
