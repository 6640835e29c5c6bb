#include "optim/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/gradient.h"
#include "autograd/ops.h"
#include "tensor/error.h"

namespace gradus::optim {

namespace {

Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), {x.dtype(), &x.backend()}); }

bool same_memory(const Tensor& a, const Tensor& b) {
  return a.view().buffer == b.view().buffer && a.layout().offset == b.layout().offset;
}

// Whether g is a gradient of p; set_gradient() takes anything.
bool fits(const Gradient& g, const Tensor& p) {
  const Tensor& values = g.values();
  const Shape shape = g.is_sparse() ? p.shape().with(0, g.rows().numel()) : p.shape();
  return values.dtype() == p.dtype() && &values.backend() == &p.backend() &&
         values.shape() == shape;
}

// The part `scale` of the step from p to `next`: [rows], or undefined for all of it.
Tensor scaled(const Tensor& p, const Tensor& next, const Tensor& scale) {
  if (!scale.defined()) return next;
  return p + (next - p) * reshape(scale, Shape(std::vector<std::int64_t>(
                                                   static_cast<std::size_t>(p.rank()), 1))
                                             .with(0, p.size(0)));
}

}  // namespace

void Optimizer::add_group(const std::vector<Tensor>& parameters, const Tensor& row_scale) {
  for (const Tensor& p : parameters) {
    if (!p.defined() || !is_floating(p.dtype())) {
      throw Error(fmt::format("[optimizer] parameters must be f32 or f64, got {}", describe(p)));
    }
    if (std::any_of(slots_.begin(), slots_.end(),
                    [&](const Slot& slot) { return same_memory(slot.parameter, p); })) {
      throw Error(fmt::format("[optimizer] parameter {} is there twice", describe(p)));
    }
    if (row_scale.defined() &&
        (p.rank() == 0 || row_scale.shape() != Shape{p.size(0)} || row_scale.dtype() != p.dtype() ||
         &row_scale.backend() != &p.backend())) {
      throw ShapeError(fmt::format("[optimizer] row_scale {} must have a number for each row of {}",
                                   describe(row_scale), describe(p)));
    }
    slots_.push_back({p, groups_, row_scale});
  }
  ++groups_;
}

void Optimizer::zero_grad() {
  for (Slot& slot : slots_) slot.parameter.zero_grad();
}

void Optimizer::step() {
  NoGrad off;
  for (Slot& slot : slots_) {
    const Gradient g = slot.parameter.gradient().coalesced();
    if (!g.defined()) continue;
    const Tensor p = slot.parameter.detach();
    if (slot.steps++ == 0) {
      const std::size_t count = moments_of(slot.group).size();
      for (std::size_t i = 0; i < count; ++i) slot.moments.push_back(zeros_like(p));
    }
    if (fits(g, p) && update_in_place(p, g, slot.moments, slot.steps, slot.row_scale, slot.group)) {
      continue;
    }
    if (!g.is_sparse()) {
      const Tensor next = update(p, g.values(), slot.moments, slot.steps, slot.group);
      slot.parameter.assign(scaled(p, next, slot.row_scale));
      continue;
    }
    Moments touched;
    for (const Tensor& m : slot.moments) touched.push_back(compute::gather(m, g.rows()));
    const Tensor old = compute::gather(p, g.rows());
    const Tensor next = update(old, g.values(), touched, slot.steps, slot.group);
    const Tensor scale =
        slot.row_scale.defined() ? compute::gather(slot.row_scale, g.rows()) : Tensor();
    compute::assign_rows(p, g.rows(), scaled(old, next, scale));
    for (std::size_t i = 0; i < touched.size(); ++i) {
      compute::assign_rows(slot.moments[i], g.rows(), touched[i]);
    }
  }
}

Optimizer::State Optimizer::state() const {
  State state;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.steps == 0) continue;
    state.emplace_back(fmt::format("{}.step", i),
                       full({}, static_cast<double>(slot.steps), {.dtype = DType::i32}));
    const std::vector<std::string> names = moments_of(slot.group);
    for (std::size_t m = 0; m < names.size(); ++m) {
      // A copy: the next step writes over the moments.
      state.emplace_back(fmt::format("{}.{}", i, names[m]),
                         compute::unary(UnaryOp::copy, slot.moments[m]));
    }
  }
  return state;
}

void Optimizer::load_state(const State& state) {
  std::map<std::string, Tensor> left(state.begin(), state.end());
  const auto take = [&](const std::string& name, const Shape& shape) {
    const auto at = left.find(name);
    if (at == left.end() || at->second.shape() != shape) {
      throw Error(fmt::format("[load_state] {} should be {}, found {}", name, to_string(shape),
                              at == left.end() ? "nothing" : describe(at->second)));
    }
    const Tensor found = at->second;
    left.erase(at);
    return found;
  };
  std::vector<Slot> slots = slots_;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = slots[i];
    slot.moments.clear();
    slot.steps = 0;
    if (!left.contains(fmt::format("{}.step", i))) continue;
    slot.steps = static_cast<std::int64_t>(take(fmt::format("{}.step", i), {}).item());
    for (const std::string& name : moments_of(slot.group)) {
      slot.moments.push_back(zeros_like(slot.parameter));
      slot.moments.back().assign(take(fmt::format("{}.{}", i, name), slot.parameter.shape()));
    }
  }
  if (!left.empty()) {
    throw Error(fmt::format("[load_state] there is no {} in this optimizer", left.begin()->first));
  }
  slots_ = std::move(slots);
}

void check_option(const char* optimizer, const char* option, double value, double low,
                  double high) {
  if (!(value >= low && value < high)) {
    throw Error(fmt::format("[{}] {} is {}; it must be at least {} and below {}", optimizer, option,
                            value, low, high));
  }
}

}  // namespace gradus::optim
