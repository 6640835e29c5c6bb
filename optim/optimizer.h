// Optimizers change parameters so that the loss falls: backward() fills in the gradients, then
// step() updates every parameter once.
//
//   optim::AdamW optimizer(model.parameters(), {.lr = 3e-4});
//   for (...) {
//     optimizer.zero_grad();
//     nn::cross_entropy(model(x), labels).backward();
//     optim::clip_grad_norm(model.parameters(), 1);
//     optimizer.step();
//   }
//
// Gradients add up until zero_grad(). So a batch too large for memory can be processed in parts,
// each loss weighted by its part's share of the batch; the step is that of the whole batch:
//
//   optimizer.zero_grad();
//   for (const auto& [x, labels] : parts) {          // k parts of equal size
//     (nn::cross_entropy(model(x), labels) / k).backward();
//   }
//   optimizer.step();
//
// Groups of parameters may have options of their own:
//
//   optim::SGD optimizer({{embed.parameters(), {.lr = 0.1}}, {head.parameters(), {.lr = 0.01}}});
//
// Each optimizer is one function, update(), from a parameter and its gradient to the new parameter.
// If the gradient is row-sparse (an embedding's), update() gets only the rows that the batch
// touches and their part of the state, so a step costs in proportion to the batch, not to the
// table. All other rows stay as they are: their moments do not decay, and weight decay does not
// apply ("lazy" updates, as in PyTorch's SparseAdam).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograd/gradient.h"
#include "tensor/tensor.h"

namespace gradus::optim {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Updates every parameter that has a gradient, in its memory: call it between backward() and the
  // next forward pass (see Tensor::assign). Throws Error if options changed since the first step
  // need other moments than those kept.
  void step();
  void zero_grad();

  // For schedules (optim/schedule.h): multiplies every group's learning rate.
  void set_lr_factor(double factor) { lr_factor_ = factor; }
  double lr_factor() const { return lr_factor_; }
  // The learning rate in effect.
  virtual double lr(std::size_t group = 0) const = 0;

  // The state of each parameter, for saving: "3.step" and, say, "3.exp_avg" for parameter 3.
  // load_state() throws Error, and changes nothing, unless names, shapes and steps fit.
  using State = std::vector<std::pair<std::string, Tensor>>;
  State state() const;
  void load_state(const State& state);

 protected:
  using Moments = std::vector<Tensor>;  // each of the parameter's shape, zeros at first

  Optimizer() = default;
  // Throws Error for a parameter that is undefined, not f32 or f64, computed, expanded or already
  // added, ShapeError unless row_scale has a number for each row of each parameter.
  void add_group(const std::vector<Tensor>& parameters, const Tensor& row_scale);
  // Throws Error if no group has a parameter.
  void check_not_empty() const;

  // The names of the moments that the group's options need.
  virtual std::vector<std::string> moments_of(std::size_t group) const = 0;
  // Returns the new parameter and updates the moments. `step` is 1 the first time that the
  // parameter gets a gradient.
  virtual Tensor update_group(const Tensor& parameter, const Tensor& gradient, Moments& moments,
                              std::int64_t step, std::size_t group) const = 0;
  // Whether update computes with elementwise operations only. Then a step is one pass over memory,
  // where the parameter and its moments lie (autograd/fused.h); update may be called twice for it.
  virtual bool elementwise() const { return false; }
  // The same by a kernel that updates the parameter and its moments in place, only in its rows if
  // the gradient is row-sparse; returns false if there is none. The gradient is coalesced;
  // row_scale is that of Group.
  virtual bool update_group_in_place(const Tensor& parameter, const Gradient& gradient,
                                     const Moments& moments, std::int64_t step,
                                     const Tensor& row_scale, std::size_t group) const = 0;

 private:
  struct Slot {
    Tensor parameter;
    std::size_t group = 0;
    Tensor row_scale = {};
    std::int64_t steps = 0;
    std::vector<std::string> names = {};  // of the moments
    Moments moments = {};                 // empty before the first step
  };
  void make_moments(Slot& slot) const;
  std::vector<Tensor> next(const Slot& slot, const std::vector<Tensor>& state,
                           const Tensor& gradient, const Tensor& row_scale) const;

  std::vector<Slot> slots_;
  std::size_t groups_ = 0;
  double lr_factor_ = 1;
};

template <class Options>
struct Group {
  std::vector<Tensor> parameters;
  Options options;
  // [rows], or undefined for ones: multiplies the step of row i of each parameter, which gives
  // every row of a table its own learning rate.
  Tensor row_scale = {};
};

// The base of an optimizer whose groups have Options: an aggregate with a learning rate `lr` and a
// function check(), which throws Error for invalid values.
template <class Options>
class OptimizerWith : public Optimizer {
 public:
  explicit OptimizerWith(const std::vector<Tensor>& parameters, Options options = {})
      : OptimizerWith(std::vector<Group<Options>>{{parameters, options}}) {}
  explicit OptimizerWith(const std::vector<Group<Options>>& groups) {
    for (const Group<Options>& group : groups) {
      group.options.check();
      options_.push_back(group.options);
      add_group(group.parameters, group.row_scale);
    }
    check_not_empty();
  }

  Options& options(std::size_t group = 0) { return options_.at(group); }
  double lr(std::size_t group = 0) const override { return options_.at(group).lr * lr_factor(); }

 protected:
  virtual std::vector<std::string> moments(const Options& options) const = 0;
  virtual Tensor update(const Tensor& p, Tensor g, Moments& moments, std::int64_t step,
                        const Options& options) const = 0;
  virtual bool update_in_place(const Tensor&, const Gradient&, const Moments&, std::int64_t,
                               const Tensor&, const Options&) const {
    return false;
  }

 private:
  std::vector<std::string> moments_of(std::size_t group) const final {
    return moments(options_[group]);
  }
  Tensor update_group(const Tensor& p, const Tensor& g, Moments& moments, std::int64_t step,
                      std::size_t group) const final {
    return update(p, g, moments, step, now(group));
  }
  bool update_group_in_place(const Tensor& p, const Gradient& g, const Moments& moments,
                             std::int64_t step, const Tensor& row_scale,
                             std::size_t group) const final {
    return update_in_place(p, g, moments, step, row_scale, now(group));
  }
  Options now(std::size_t group) const {
    Options options = options_[group];
    options.lr *= lr_factor();
    return options;
  }

  std::vector<Options> options_;
};

// Throws Error, naming the optimizer and the option, unless low <= value < high.
void check_option(const char* optimizer, const char* option, double value, double low, double high);

}  // namespace gradus::optim
