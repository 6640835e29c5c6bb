#include "optim/clip.h"

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "autograd/gradient.h"
#include "autograd/ops.h"
#include "optim/optimizer.h"

namespace gradus::optim {

namespace {

// Replaces each gradient by f of its values. Rows of a sparse one are added up first: only then are
// its values the gradient's numbers.
template <class F>
void replace_gradients(std::vector<Tensor> parameters, F f) {
  NoGrad off;
  for (Tensor& p : parameters) {
    const Gradient g = p.gradient().coalesced();
    if (!g.defined()) continue;
    const Tensor values = f(g.values());
    p.set_gradient(g.is_sparse() ? Gradient::row_sparse(g.rows(), values, g.shape()) : values);
  }
}

// Block by block: a block's squares are still in cache when they are added up. In f64 where f32 cannot
// hold them.
double sum_of_squares(const Tensor& values) {
  constexpr std::int64_t kBlock = 1 << 18;
  const std::int64_t n = values.numel();
  const Tensor flat = reshape(values, {n});
  double total = 0;
  for (std::int64_t i = 0; i < n; i += kBlock) {
    total += sum(square(slice(flat, 0, i, std::min(i + kBlock, n)))).item();
  }
  if (std::isfinite(total) || values.dtype() == DType::f64) return total;
  return sum_of_squares(cast(values, DType::f64));
}

}  // namespace

double clip_grad_norm(const std::vector<Tensor>& parameters, double max_norm) {
  if (max_norm != kInfinity) check_option("clip_grad_norm", "max_norm", max_norm, 0, kInfinity);
  double squares = 0;
  replace_gradients(parameters, [&](const Tensor& values) {
    squares += sum_of_squares(values);
    return values;
  });
  const double norm = std::sqrt(squares);
  const double scale = max_norm / (norm + 1e-6);  // as PyTorch has it: no division by zero
  if (std::isfinite(norm) && scale < 1) {
    replace_gradients(parameters, [scale](const Tensor& values) { return values * scale; });
  }
  return norm;
}

void clip_grad_value(const std::vector<Tensor>& parameters, double limit) {
  check_option("clip_grad_value", "limit", limit, 0, kInfinity);
  replace_gradients(parameters,
                    [limit](const Tensor& values) { return clamp(values, -limit, limit); });
}

}  // namespace gradus::optim
