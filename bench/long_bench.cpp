// Attention over one long text, forward and backward, 4 heads of 32: time grows with the square of
// the length, memory with the length, for the scores are never all there. `extra` is what the pass
// holds at the most besides inputs, output and gradients. bench/peers/torch_long.py is the same.
#include <string>

#include "autograd/attention.h"
#include "autograd/autograd.h"
#include "bench/measure.h"
#include "tensor/random.h"

namespace gradus::bench {
namespace {

constexpr std::int64_t kHeads = 4, kDim = 32;

const bool kAdded = [] {
  for (const std::int32_t time : {2048, 4096, 8192}) {
    add("long/" + std::to_string(time), [time] {
      const Shape shape{time, kHeads, kDim};
      const Tensor q = normal(shape).set_requires_grad(), k = normal(shape).set_requires_grad(),
                   v = normal(shape).set_requires_grad(), g = ones(shape);
      const Segments text({0, time});
      const double bytes = 4.0 * static_cast<double>(shape.numel());
      return Row{.pass =
                     [=] {
                       backward(attention(q, k, v, text), {.gradient = g});
                       for (Tensor leaf : {q, k, v}) leaf.zero_grad();
                     },
                 .report =
                     [bytes](auto& state) {
                       const double peak = state.counters["peak"];
                       state.counters["extra"] = peak - 4 * bytes;  // y, dq, dk, dv
                     }};
    });
  }
  return true;
}();

}  // namespace
}  // namespace gradus::bench
