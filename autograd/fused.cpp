#include "autograd/fused.h"

#include <algorithm>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "tensor/error.h"

namespace gradus {

namespace {

thread_local Notes* noting = nullptr;

class Unwritten : public Buffer {
 public:
  std::size_t bytes() const override { return 0; }
  std::byte* host() override {
    throw Error(
        "[fused] the numbers of a result are asked for before there are any: only elementwise "
        "operations may be fused; take reductions, products and the like out of the function");
  }
};

bool same_view(const Tensor& a, const Tensor& b) {
  return a.view().buffer == b.view().buffer && a.shape() == b.shape() &&
         a.layout().strides == b.layout().strides && a.layout().offset == b.layout().offset &&
         a.dtype() == b.dtype();
}

}  // namespace

Notes* Notes::current(const Shape& shape) {
  constexpr std::int64_t kLeastElements = 1 << 14;
  if (noting != nullptr && noting->steps_.empty() && shape.numel() < kLeastElements) {
    noting->stopped_ = true;
    noting = nullptr;
  }
  return noting;
}

int Notes::value_of(const Tensor& x) {
  const auto number = [&x](const std::vector<Tensor>& among) {
    return static_cast<int>(
        std::ranges::find_if(among, [&](const Tensor& t) { return same_view(t, x); }) -
        among.begin());
  };
  const int result = number(results_);
  if (result < std::ssize(results_)) return -1 - result;
  views_ = views_ || dynamic_cast<Unwritten*>(x.view().buffer) != nullptr;
  const int input = number(inputs_);
  if (input == std::ssize(inputs_)) inputs_.push_back(x.detach());
  return input;
}

Tensor Notes::add(decltype(MapStep::op) op, const std::vector<Tensor>& inputs, const Shape& shape,
                  DType dtype) {
  MapStep step{.op = op, .dtype = dtype};
  std::ranges::transform(inputs, step.values.begin(),
                         [this](const Tensor& x) { return value_of(x); });
  steps_.push_back(step);
  return results_.emplace_back(std::make_shared<Unwritten>(), Layout(shape), dtype,
                               inputs[0].backend());
}

// f(), in target's memory if that is defined and it was noted down; undefined if there is no kernel.
Tensor run_fused(const std::function<Tensor()>& f, const Tensor& target) {
  Notes notes;
  const Tensor result = [&] {
    NoGrad off;
    struct Noting {
      explicit Noting(Notes& notes) { noting = &notes; }
      ~Noting() { noting = nullptr; }
    } scope(notes);
    return f();
  }();
  if (notes.stopped_) return result;
  if (notes.results_.empty() || notes.views_ || !same_view(result, notes.results_.back()))
    return {};
  const Tensor out =
      target.defined() ? target : empty(result.shape(), {result.dtype(), &result.backend()});
  std::vector<View> views;
  for (const Tensor& x : notes.inputs_) {
    views.push_back({x.view().buffer, x.dtype(), x.layout().broadcast_to(out.shape())});
  }
  return out.backend().map(notes.steps_, views, out.view()) ? out : Tensor();
}

namespace {
bool may_fuse() { return !detecting_anomaly() && noting == nullptr; }
}  // namespace

Tensor fused(const std::function<Tensor()>& f) {
  if (grad_enabled() || !may_fuse()) return f();
  const Tensor y = run_fused(f, {});
  return y.defined() ? y : f();
}

Tensor fused_value(const std::function<Tensor()>& f) {
  NoGrad off;
  return fused(f);
}

void assign_fused(const Tensor& target, const std::function<Tensor()>& f) {
  NoGrad off;
  Tensor result;
  if (may_fuse() && target.layout().is_contiguous()) result = run_fused(f, target.detach());
  if (!result.defined()) result = f();
  if (!same_view(result, target)) target.detach().assign(result);
}

}  // namespace gradus
