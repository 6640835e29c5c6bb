// Layers one after another.
//
//   nn::Sequential model{nn::Linear(784, 128), relu, nn::Linear(128, 10)};
//   Tensor logits = model(x);
//   model.at<nn::Linear>(0).weight          // saved as "0.weight"
//
// A step is anything that takes a tensor and returns one: a module (of which the Sequential holds a
// copy, sharing parameters), a function or a lambda. Steps that need more than one input belong in
// a module of your own, and blocks of one kind in a std::vector, which Visitor understands:
//
//   std::vector<Block> blocks;              // or nn::ModuleList<Block>, the same thing
//   for (const Block& block : blocks) x = block(x, texts);
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "nn/module.h"

namespace gradus::nn {

template <class M>
using ModuleList = std::vector<M>;

template <class F>
concept Step = std::copy_constructible<F> && std::is_invocable_r_v<Tensor, const F&, const Tensor&>;

class Sequential : public Module {
 public:
  Sequential() = default;
  template <Step... Steps>
  requires(sizeof...(Steps) > 0) explicit(sizeof...(Steps) == 1) Sequential(Steps... steps) {
    (add(std::move(steps)), ...);
  }

  template <Step F>
  Sequential& add(F step) {
    steps_.push_back({std::move(step), [](Function& held) -> Module* {
                        if constexpr (std::is_base_of_v<Module, F>) return held.target<F>();
                        return nullptr;
                      }});
    return *this;
  }

  Tensor operator()(const Tensor& x) const {
    Tensor y = x;
    for (const Held& step : steps_) y = step.run(y);
    return y;
  }

  std::size_t size() const { return steps_.size(); }
  // Step i, which was added as an F. Throws IndexError if there is no such step.
  template <class F>
  F& at(std::size_t i) {
    F* step = i < steps_.size() ? steps_[i].run.template target<F>() : nullptr;
    if (step == nullptr) no_such_step(i);
    return *step;
  }

  void visit(Visitor& v) override {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (Module* module = steps_[i].module(steps_[i].run)) v(std::to_string(i), *module);
    }
  }

 private:
  using Function = std::function<Tensor(const Tensor&)>;
  struct Held {
    Function run;                  // owns the step; copying it copies the step
    Module* (*module)(Function&);  // the step inside, if it is a module
  };
  [[noreturn]] void no_such_step(std::size_t i) const;

  std::vector<Held> steps_;
};

}  // namespace gradus::nn
