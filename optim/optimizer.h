// Optimizers change parameters so that the loss falls: after backward() has filled the gradients
// in, step() applies one update to every parameter.
//
//   optim::AdamW optimizer(model.parameters(), {.lr = 3e-4});
//   for (...) {
//     optimizer.zero_grad();
//     nn::cross_entropy(model(x), labels).backward();
//     optim::clip_grad_norm(model.parameters(), 1);
//     optimizer.step();
//   }
//
// Gradients add up until zero_grad(): a batch too large for memory goes through in parts, each loss
// weighed by its part's share of the batch, and the step is that of the whole.
//
//   optimizer.zero_grad();
//   for (const auto& [x, labels] : parts) {          // k parts of one size
//     (nn::cross_entropy(model(x), labels) / k).backward();
//   }
//   optimizer.step();
//
// Groups of parameters may have options of their own:
//
//   optim::SGD optimizer({{embed.parameters(), {.lr = 0.1}}, {head.parameters(), {.lr = 0.01}}});
//
// Each optimizer is one function, update(), from a parameter and its gradient to the new parameter.
// Where a gradient is row-sparse (an embedding's), the same function is given the rows that were
// touched and their part of the state, so that a step costs in proportion to the batch and not to
// the table. Rows that a batch does not touch stay as they are: their moments do not decay and
// weight decay passes them by ("lazy" updates, as in PyTorch's SparseAdam).
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

  // Updates every parameter that has a gradient: writes into its memory, so between backward() and
  // the next forward pass (Tensor::assign). Throws Error where options changed since the first step
  // call for other moments than those kept.
  void step();
  void zero_grad();

  // For schedules (optim/schedule.h): each group's learning rate is its own times this factor.
  void set_lr_factor(double factor) { lr_factor_ = factor; }
  double lr_factor() const { return lr_factor_; }
  // The learning rate in effect.
  virtual double lr(std::size_t group = 0) const = 0;

  // What update() remembers of each parameter, for saving: "3.step" and, say, "3.exp_avg" for
  // parameter 3. load_state() throws Error, and changes nothing, unless names, shapes and steps fit.
  using State = std::vector<std::pair<std::string, Tensor>>;
  State state() const;
  void load_state(const State& state);

 protected:
  using Moments = std::vector<Tensor>;  // each of the parameter's shape, zeros at first

  Optimizer() = default;
  // Throws Error for a parameter that is undefined, expanded or already there, ShapeError where
  // row_scale does not have a number for each row of each.
  void add_group(const std::vector<Tensor>& parameters, const Tensor& row_scale);
  // Throws Error where no group had a parameter.
  void check_not_empty() const;

  // The names of the moments that the group's options call for.
  virtual std::vector<std::string> moments_of(std::size_t group) const = 0;
  // From a parameter, its gradient and its moments to the new parameter and moments. `step` is 1
  // the first time that the parameter gets a gradient.
  virtual Tensor update_group(const Tensor& parameter, const Tensor& gradient, Moments& moments,
                              std::int64_t step, std::size_t group) const = 0;
  // The same by a kernel that writes over the parameter and its moments, of a row-sparse gradient
  // in its rows alone; false where there is none. The gradient is coalesced. row_scale is
  // Group's.
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

  std::vector<Slot> slots_;
  std::size_t groups_ = 0;
  double lr_factor_ = 1;
};

template <class Options>
struct Group {
  std::vector<Tensor> parameters;
  Options options;
  // [rows], or undefined for ones: how far row i of each parameter goes, of the step that the
  // optimizer would take. That is a learning rate for each row of a table.
  Tensor row_scale = {};
};

// An Optimizer whose groups have Options: an aggregate with a learning rate `lr` and a function
// check() that throws Error for values that make no sense.
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
