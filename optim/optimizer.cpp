#include "optim/optimizer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "autograd/autograd.h"
#include "autograd/compute.h"
#include "autograd/fused.h"
#include "autograd/gradient.h"
#include "autograd/node.h"
#include "autograd/ops.h"
#include "optim/saved_state.h"
#include "tensor/error.h"

namespace gradus::optim {

namespace {

bool same_memory(const Tensor& a, const Tensor& b) {
  return a.view().buffer == b.view().buffer && a.layout().offset == b.layout().offset;
}

// The part `scale` of the step from p to `next`: [rows], or undefined for all of it.
Tensor scaled(const Tensor& p, const Tensor& next, const Tensor& scale) {
  if (!scale.defined()) return next;
  return p + (next - p) * reshape(scale, Shape(std::vector<std::int64_t>(
                                                   static_cast<std::size_t>(p.rank()), 1))
                                             .with(0, p.size(0)));
}

std::vector<Tensor> run(bool in_one_pass, const std::function<std::vector<Tensor>()>& f) {
  return in_one_pass ? fused_all(f) : f();
}

}  // namespace

void Optimizer::add_group(const std::vector<Tensor>& parameters, const Tensor& row_scale) {
  for (const Tensor& p : parameters) {
    if (!p.defined() || !is_floating(p.dtype())) {
      throw Error(fmt::format("[optimizer] parameters must be f32 or f64, got {}", describe(p)));
    }
    if (p.node() != nullptr && !p.node()->is_leaf()) {
      throw GradError(fmt::format(
          "[optimizer] parameter {} was computed by '{}', but a step can only change "
          "leaves; write parameters with assign() or nn::init, as x *= 2 makes a new tensor",
          describe(p), p.node()->op));
    }
    if (p.layout().is_repeated()) {
      throw Error(
          fmt::format("[optimizer] elements of parameter {} share memory, as expand() makes "
                      "them; give what was expanded, or its copy",
                      describe(p)));
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

void Optimizer::check_not_empty() const {
  if (!slots_.empty()) return;
  throw Error(
      "[optimizer] there is no parameter to learn: parameters() finds what a module's visit() "
      "names");
}

void Optimizer::zero_grad() {
  for (Slot& slot : slots_) slot.parameter.zero_grad();
}

// Zeros before the first step, and no others after it.
void Optimizer::make_moments(Slot& slot) const {
  const std::vector<std::string> names = moments_of(slot.group);
  if (slot.steps == 0) {
    Moments moments;
    for (std::size_t i = 0; i < names.size(); ++i) {
      moments.push_back(zeros_like(slot.parameter));
    }
    slot.moments = std::move(moments);
    slot.names = names;
  }
  if (slot.names != names) {
    throw Error(
        fmt::format("[step] the options of group {} call for the moments [{}], but the steps "
                    "so far have kept [{}]: set such options before the first step",
                    slot.group, fmt::join(names, ", "), fmt::join(slot.names, ", ")));
  }
}

// The next state: the moments, then the parameter.
std::vector<Tensor> Optimizer::next(const Slot& slot, const std::vector<Tensor>& state,
                                    const Tensor& gradient, const Tensor& row_scale) const {
  const Tensor& p = state.back();
  std::vector<Tensor> result(state.begin(), state.end() - 1);
  const Tensor moved = update_group(p, gradient, result, slot.steps + 1, slot.group);
  result.push_back(scaled(p, moved, row_scale));
  return result;
}

// What may throw comes first in each parameter's update; then it, its moments and its count of steps
// change together.
void Optimizer::step() {
  NoGrad off;
  for (Slot& slot : slots_) {
    const Gradient g = slot.parameter.gradient().coalesced();
    if (!g.defined()) continue;
    const Tensor p = slot.parameter.detach();
    make_moments(slot);
    const std::int64_t step = slot.steps + 1;
    if (update_group_in_place(p, g, slot.moments, step, slot.row_scale, slot.group)) {
      slot.steps = step;
      continue;
    }
    std::vector<Tensor> state = slot.moments;  // all that changes
    state.push_back(p);
    if (g.is_sparse()) {
      const auto rows_of = [&](const Tensor& t) {
        return t.defined() ? compute::gather(t, g.rows()) : t;
      };
      std::vector<Tensor> rows;
      for (const Tensor& t : state) rows.push_back(rows_of(t));
      const Tensor scale = rows_of(slot.row_scale);
      rows = run(elementwise(), [&] { return next(slot, rows, g.values(), scale); });
      for (std::size_t i = 0; i < state.size(); ++i) {
        compute::assign_rows(state[i], g.rows(), rows[i]);
      }
    } else {
      const auto f = [&] { return next(slot, state, g.values(), slot.row_scale); };
      if (!elementwise() || !assign_fused(state, f)) {
        state = run(elementwise(), f);
        slot.parameter.assign(state.back());
        state.pop_back();
        slot.moments = std::move(state);
      }
    }
    slot.steps = step;
  }
}

Optimizer::State Optimizer::state() const {
  State state;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.steps == 0) continue;
    state.emplace_back(fmt::format("{}.step", i),
                       full({}, static_cast<double>(slot.steps), {.dtype = DType::i32}));
    for (std::size_t m = 0; m < slot.names.size(); ++m) {
      // A copy: the next step writes over the moments.
      state.emplace_back(fmt::format("{}.{}", i, slot.names[m]), compute::copy(slot.moments[m]));
    }
  }
  return state;
}

void Optimizer::load_state(const State& state) {
  SavedState saved(state);
  std::vector<Slot> slots = slots_;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    Slot& slot = slots[i];
    slot = {slot.parameter, slot.group, slot.row_scale};
    if (!saved.contains(fmt::format("{}.step", i))) continue;
    make_moments(slot);
    slot.steps = saved.take_count(fmt::format("{}.step", i), 1);
    for (std::size_t m = 0; m < slot.names.size(); ++m) {
      const std::string name = fmt::format("{}.{}", i, slot.names[m]);
      slot.moments[m].assign(saved.take(name, slot.parameter.shape()));
    }
  }
  saved.check_empty("optimizer");
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
