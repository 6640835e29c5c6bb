#include "autograd/fused.h"

#include <algorithm>
#include <utility>

#include "autograd/autograd.h"
#include "autograd/node.h"
#include "tensor/error.h"

namespace gradus {

namespace {

thread_local Notes* noting = nullptr;

constexpr std::int64_t kLeastNoted = 1 << 14;  // elements of the first result

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

bool broadcasts_to(const Shape& shape, const Shape& to) {
  bool fits = shape.rank() <= to.rank();
  for (int axis = 1; fits && axis <= shape.rank(); ++axis) {
    fits = shape[-axis] == to[-axis] || shape[-axis] == 1;
  }
  return fits;
}

}  // namespace

Notes* Notes::current(const Shape& shape) {
  if (noting != nullptr && noting->steps_.empty() && shape.numel() < kLeastNoted) {
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

// Notes that result is to be written to `out`; false if it is none of the steps' results.
bool Notes::write(const Tensor& result, const View& out) {
  const auto step =
      std::ranges::find_if(results_, [&](const Tensor& r) { return same_view(r, result); }) -
      results_.begin();
  if (step == std::ssize(results_)) return false;
  MapStep& noted = steps_[static_cast<std::size_t>(step)];
  if (noted.out.buffer != nullptr || noted.dtype != out.dtype) return false;
  noted.out = out;
  return true;
}

// Whether a step reads memory that it or an earlier one writes, but for the very elements that it
// writes itself.
bool Notes::reads_what_it_wrote() const {
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const View& out = steps_[s].out;
    for (std::size_t k = 0; k < inputs_.size() && out.buffer != nullptr; ++k) {
      const View in = inputs_[k].view();
      if (in.buffer != out.buffer) continue;
      const bool same = in.shape() == out.shape() && in.layout.strides == out.layout.strides &&
                        in.layout.offset == out.layout.offset;
      const auto reads = [k](const MapStep& step) {
        const auto* end = step.values.begin() + step.op.index() + 1;
        return std::find(step.values.begin(), end, static_cast<int>(k)) != end;
      };
      if (!same ||
          std::any_of(steps_.begin() + static_cast<std::ptrdiff_t>(s) + 1, steps_.end(), reads))
        return true;
    }
  }
  return false;
}

bool Notes::compute(std::span<Tensor> results, std::span<const Tensor> targets) {
  if (views_ || results.empty()) return false;
  const Tensor& like = results[0];
  const auto spreads = [&](const Tensor& r) { return broadcasts_to(r.shape(), like.shape()); };
  if (!std::ranges::all_of(results_, spreads)) return false;
  std::vector<Tensor> outs;
  for (std::size_t i = 0; i < results.size(); ++i) {
    outs.push_back(targets.empty() ? empty(like.shape(), {results[i].dtype(), &like.backend()})
                                   : targets[i].detach());
    const bool fits = results[i].shape() == like.shape() && outs[i].shape() == like.shape();
    if (!fits || !write(results[i], outs[i].view())) return false;
  }
  if (!targets.empty() && reads_what_it_wrote()) return false;
  std::vector<View> views;
  for (const Tensor& x : inputs_) {
    views.push_back({x.view().buffer, x.dtype(), x.layout().broadcast_to(like.shape())});
  }
  if (!like.backend().map(steps_, views)) return false;
  std::ranges::move(outs, results.begin());
  return true;
}

namespace {

bool may_fuse() { return !detecting_anomaly() && noting == nullptr; }

// f(), noted down.
template <class F>
auto noted(Notes& notes, const F& f) {
  NoGrad off;
  struct Noting {
    explicit Noting(Notes& notes) { noting = &notes; }
    ~Noting() { noting = nullptr; }
  } scope(notes);
  return f();
}

}  // namespace

Tensor fused(const std::function<Tensor()>& f) {
  if (grad_enabled() || !may_fuse()) return f();
  Notes notes;
  Tensor y = noted(notes, f);
  return notes.stopped() || notes.compute({&y, 1}, {}) ? y : f();
}

std::vector<Tensor> fused_all(const std::function<std::vector<Tensor>()>& f) {
  if (grad_enabled() || !may_fuse()) return f();
  Notes notes;
  std::vector<Tensor> y = noted(notes, f);
  return notes.stopped() || notes.compute(y, {}) ? y : f();
}

Tensor fused_value(const std::function<Tensor()>& f) {
  NoGrad off;
  return fused(f);
}

bool assign_fused(const std::vector<Tensor>& targets,
                  const std::function<std::vector<Tensor>()>& f) {
  const auto unfit = [](const Tensor& t) {
    return t.numel() < kLeastNoted || !t.layout().is_contiguous();
  };
  if (!may_fuse() || std::ranges::any_of(targets, unfit)) return false;
  Notes notes;
  std::vector<Tensor> y = noted(notes, f);
  return !notes.stopped() && notes.compute(y, targets);
}

}  // namespace gradus
