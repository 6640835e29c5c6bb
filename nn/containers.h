// Lists of modules: Sequential runs them one after another, ModuleList only holds them.
//
//   nn::Sequential model{nn::Linear(784, 128), relu, nn::Linear(128, 10)};
//   Tensor logits = model(x);
//   model.at<nn::Linear>(0).weight          // saved as "0.weight"
//
// A step is anything that takes a tensor and returns one: a module (the Sequential holds a copy,
// which shares its parameters), a function or a lambda. A function that C has too is ambiguous by
// its short name; write it in full, or take the module:
//
//   nn::Sequential{nn::Linear(784, 128), gradus::tanh, nn::Linear(128, 10)};    // or nn::Tanh()
//
// Steps with more than one input belong in a module of your own, and blocks of one kind in a list:
//
//   nn::ModuleList<nn::TransformerEncoderLayer> layers(2, 128, 4);     // two layers (128, 4)
//   for (const auto& layer : layers) x = layer(x, texts);
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include "nn/module.h"

namespace gradus::nn {

// A std::vector of modules, which visit() names "name.0", "name.1" and so on, like any std::vector.
// The difference: std::vector(2, Block(128)) holds two copies of one block, and copies share
// parameters; ModuleList(2, 128) makes two separate blocks.
template <class M>
struct ModuleList : std::vector<M> {
  ModuleList() = default;
  ModuleList(std::initializer_list<M> modules) : std::vector<M>(modules) {}
  // Adds M(arguments...) `count` times.
  template <class... Arguments>
  explicit ModuleList(std::int64_t count, const Arguments&... arguments) {
    for (std::int64_t i = 0; i < count; ++i) this->emplace_back(arguments...);
  }
};

template <class F>
concept Step = std::is_invocable_r_v<Tensor, const F&, const Tensor&>;

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
    return located([&] {
      Tensor y = x;
      for (const Held& step : steps_) y = step.run(y);
      return y;
    });
  }

  std::size_t size() const { return steps_.size(); }
  // Step i, which was added as an F. Throws IndexError if there is no such step or it is not an F.
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
